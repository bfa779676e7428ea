/* Zstandard's bit streams that are read from their end. */
#ifndef CORE_UNPACK_ZSTD_BITS_H
#define CORE_UNPACK_ZSTD_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* After zstd_bits_load the next 57 bits stand at the top of `bits`. Bits before the first are whatever stands there, at most 8 bytes: `left` tells. */
struct zstd_bits {
	const uint8_t *start;
	int64_t left; /* bits not consumed; negative: more were consumed than there are */
	uint64_t bits;
};

/* The highest set bit of the last byte marks the end. -1 when there is none. */
static inline int zstd_bits_open(struct zstd_bits *b, const uint8_t *data, size_t len) {
	if (!len || !data[len - 1]) return -1;
	b->start = data;
	b->left = (int64_t)len * 8 - 1 - (__builtin_clz(data[len - 1]) - 24);
	b->bits = 0;
	return 0;
}

/* Only while `left` is not negative. */
static inline void zstd_bits_load(struct zstd_bits *b) {
	int64_t bytes = (b->left + 7) >> 3;
	memcpy(&b->bits, b->start + bytes - 8, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	b->bits = __builtin_bswap64(b->bits);
#endif
	b->bits <<= bytes * 8 - b->left;
}

static inline uint64_t zstd_bits_take(struct zstd_bits *b, unsigned n) {
	/* Two shifts, since a shift by 64 is none. */
	uint64_t v = b->bits >> 1 >> (63 - n);
	b->bits <<= n;
	b->left -= n;
	return v;
}

#endif
