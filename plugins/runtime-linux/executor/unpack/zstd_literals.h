/* The literals of a Zstandard block (RFC 8878, section 3.1.1.3.1). */
#ifndef CORE_UNPACK_ZSTD_LITERALS_H
#define CORE_UNPACK_ZSTD_LITERALS_H

#include "../err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUFFMAN_LOG_MAX 11
#define LITERALS_MAX (128u << 10)
#define LITERALS_SLACK 64

struct zstd_literals {
	bool has_table; /* a later block may use it again */
	unsigned log;
	uint16_t table[1 << HUFFMAN_LOG_MAX]; /* length of the code << 8 | symbol */
	size_t len;
	uint8_t data[LITERALS_MAX + LITERALS_SLACK];
};

/* Decodes the section at the beginning of a block; the bytes it took, or -1. Eight bytes before `data` must be readable. */
int64_t zstd_literals(struct zstd_literals *l, const uint8_t *data, size_t len, struct err *err);

#endif
