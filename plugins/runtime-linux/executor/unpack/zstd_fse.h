/* Zstandard's finite state entropy tables (RFC 8878, section 4.1). */
#ifndef CORE_UNPACK_ZSTD_FSE_H
#define CORE_UNPACK_ZSTD_FSE_H

#include <stddef.h>
#include <stdint.h>

#define FSE_LOG_MAX 9
#define FSE_SYMBOLS_MAX 64

struct fse_cell {
	uint16_t base; /* of the next state */
	uint8_t bits;  /* to add to it */
	uint8_t symbol;
};

struct fse_table {
	unsigned log;
	struct fse_cell cell[1 << FSE_LOG_MAX];
};

struct fse_limits {
	unsigned log, symbols;
};

/* Reads a table's description from `data`; the bytes it took, or -1. */
int fse_read(struct fse_table *table, const uint8_t *data, size_t len, struct fse_limits limits);
/* From a given distribution, which adds up to 1 << log. */
void fse_build(struct fse_table *table, const int16_t *counts, struct fse_limits size);
/* One symbol, no bits. */
void fse_single(struct fse_table *table, uint8_t symbol);

#endif
