/* The sequences of a Zstandard block (RFC 8878, section 3.1.1.3.2): copy literals, then a match, over and over. */
#ifndef CORE_UNPACK_ZSTD_SEQUENCES_H
#define CORE_UNPACK_ZSTD_SEQUENCES_H

#include "window.h"
#include "zstd_fse.h"
#include "zstd_literals.h"

struct zstd_sequences {
	/* Of literal lengths, offsets, match lengths. A later block may use them again. */
	struct fse_table table[3];
	bool has_table[3];
	uint32_t repeat[3];
};

/* At the beginning of a frame. */
void zstd_sequences_reset(struct zstd_sequences *s);
/* Carries out the section that is the rest of a block. At most LITERALS_MAX bytes are written. */
int zstd_sequences(struct zstd_sequences *s, const struct zstd_literals *l, const uint8_t *data, size_t len, struct window *out, struct err *err);

#endif
