/* DEFLATE (RFC 1951). */
#ifndef CORE_UNPACK_INFLATE_H
#define CORE_UNPACK_INFLATE_H

#include "source.h"
#include "window.h"

#define INFLATE_HISTORY 32768
/* The largest first table plus all second tables of a complete code: 288 symbols by 11 bits, 32 by 8. */
#define INFLATE_LITERALS 2342
#define INFLATE_DISTANCES 402

struct inflate {
	uint64_t bits;
	unsigned count;
	enum { INFLATE_HEADER, INFLATE_STORED, INFLATE_CODES } state;
	bool last;
	uint32_t stored;
	uint32_t literals[INFLATE_LITERALS];
	uint32_t distances[INFLATE_DISTANCES];
};

void inflate_begin(struct inflate *z);
/* Decodes until the window is full (0) or the stream has ended (1); then the source stands behind its last byte. */
int inflate_step(struct inflate *z, struct source *in, struct window *out, struct err *err);

#endif
