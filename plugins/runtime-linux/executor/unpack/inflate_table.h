/* Decoding tables of DEFLATE's prefix codes.
 *
 * A table is looked up with the next bits of the stream, lowest first. An entry has, from the top: 16 bits of value (literal,
 * base of a length or distance, or where the second table begins), 4 flags, 4 bits: length of the code, 8 bits: bits to
 * consume, extra bits included (for TABLE_SECOND: how many bits look up the second table). */
#ifndef CORE_UNPACK_INFLATE_TABLE_H
#define CORE_UNPACK_INFLATE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define TABLE_LITERAL 0x8000u
#define TABLE_SECOND 0x4000u
#define TABLE_END 0x2000u
#define TABLE_INVALID 0x1000u

#define TABLE_LITERAL_BITS 11
#define TABLE_LITERAL_SIZE (1 << TABLE_LITERAL_BITS)
#define TABLE_DISTANCE_BITS 8
#define TABLE_DISTANCE_SIZE (1 << TABLE_DISTANCE_BITS)
#define TABLE_LENGTH_BITS 7

/* Each makes a table from the code lengths, or returns -1 when they make no code. */
int table_literals(uint32_t *table, const uint8_t *lens, size_t count);
int table_distances(uint32_t *table, const uint8_t *lens, size_t count);
int table_code_lengths(uint32_t *table, const uint8_t lens[19]);

#endif
