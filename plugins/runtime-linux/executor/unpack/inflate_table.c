/* Code lengths come in, decoding tables go out; called by inflate.c at the beginning of each block. */
#include "inflate_table.h"

#include <string.h>

#define MAX_LENGTH 15
#define MAX_SYMBOLS 288

struct code {
	uint16_t count[MAX_LENGTH + 1];
	uint16_t sorted[MAX_SYMBOLS];
	const uint32_t *values; /* entry of each symbol without its code's length */
	unsigned first;         /* bits of the first table */
};

static int sort(struct code *c, const uint8_t *lens, size_t count);
static void fill(struct code *c, uint32_t *table);

/* value, extra bits */
#define ENTRY(value, extra) ((uint32_t)(value) << 16 | (extra))
#define NONE TABLE_INVALID

int table_literals(uint32_t *table, const uint8_t *lens, size_t count) {
	static const uint32_t lengths[32] = {
		TABLE_END, ENTRY(3, 0), ENTRY(4, 0), ENTRY(5, 0), ENTRY(6, 0), ENTRY(7, 0), ENTRY(8, 0), ENTRY(9, 0), ENTRY(10, 0), ENTRY(11, 1), ENTRY(13, 1),
		ENTRY(15, 1), ENTRY(17, 1), ENTRY(19, 2), ENTRY(23, 2), ENTRY(27, 2), ENTRY(31, 2), ENTRY(35, 3), ENTRY(43, 3), ENTRY(51, 3), ENTRY(59, 3),
		ENTRY(67, 4), ENTRY(83, 4), ENTRY(99, 4), ENTRY(115, 4), ENTRY(131, 5), ENTRY(163, 5), ENTRY(195, 5), ENTRY(227, 5), ENTRY(258, 0), NONE, NONE,
	};
	uint32_t values[MAX_SYMBOLS];
	for (uint32_t i = 0; i < 256; i++) values[i] = ENTRY(i, 0) | TABLE_LITERAL;
	memcpy(values + 256, lengths, sizeof lengths);
	struct code c = {.values = values, .first = TABLE_LITERAL_BITS};
	if (sort(&c, lens, count) < 0) return -1;
	fill(&c, table);
	return 0;
}

int table_distances(uint32_t *table, const uint8_t *lens, size_t count) {
	static const uint32_t values[32] = {
		ENTRY(1, 0), ENTRY(2, 0), ENTRY(3, 0), ENTRY(4, 0), ENTRY(5, 1), ENTRY(7, 1), ENTRY(9, 2), ENTRY(13, 2), ENTRY(17, 3), ENTRY(25, 3), ENTRY(33, 4),
		ENTRY(49, 4), ENTRY(65, 5), ENTRY(97, 5), ENTRY(129, 6), ENTRY(193, 6), ENTRY(257, 7), ENTRY(385, 7), ENTRY(513, 8), ENTRY(769, 8), ENTRY(1025, 9),
		ENTRY(1537, 9), ENTRY(2049, 10), ENTRY(3073, 10), ENTRY(4097, 11), ENTRY(6145, 11), ENTRY(8193, 12), ENTRY(12289, 12), ENTRY(16385, 13),
		ENTRY(24577, 13), NONE, NONE,
	};
	struct code c = {.values = values, .first = TABLE_DISTANCE_BITS};
	if (sort(&c, lens, count) < 0) return -1;
	fill(&c, table);
	return 0;
}

int table_code_lengths(uint32_t *table, const uint8_t lens[19]) {
	uint32_t values[19];
	for (uint32_t i = 0; i < 19; i++) values[i] = ENTRY(i, 0);
	struct code c = {.values = values, .first = TABLE_LENGTH_BITS};
	if (sort(&c, lens, 19) < 0) return -1;
	fill(&c, table);
	return 0;
}

/* Orders the symbols by code. A code must be complete; only a single code of one bit, or none, may leave room. */
static int sort(struct code *c, const uint8_t *lens, size_t count) {
	uint16_t at[MAX_LENGTH + 2] = {0};
	int room = 1, longest = 0;
	for (size_t i = 0; i < count; i++) c->count[lens[i]]++;
	c->count[0] = 0;
	for (int len = 1; len <= MAX_LENGTH; len++) {
		room = 2 * room - c->count[len];
		if (room < 0) return -1;
		if (c->count[len]) longest = len;
		at[len + 1] = (uint16_t)(at[len] + c->count[len]);
	}
	if (room > 0 && longest > 1) return -1;
	for (size_t i = 0; i < count; i++)
		if (lens[i]) c->sorted[at[lens[i]]++] = (uint16_t)i;
	return 0;
}

/* The next code in order, its bits reversed; `code` has `len` bits. */
static unsigned next_code(unsigned code, unsigned len) {
	unsigned bit = 1u << (len - 1);
	while (code & bit) bit >>= 1;
	return bit ? (code & (bit - 1)) + bit : 0;
}

/* How many bits the second table needs that begins with a code of `len` bits: as many as make it full. */
static unsigned second_bits(const struct code *c, unsigned len, unsigned left_of_len) {
	unsigned bits = len - c->first;
	int room = (1 << bits) - (int)left_of_len;
	while (room > 0 && len < MAX_LENGTH) {
		bits++;
		room = 2 * room - c->count[++len];
	}
	return bits;
}

static void fill(struct code *c, uint32_t *table) {
	const unsigned size = 1u << c->first;
	unsigned code = 0, begin = 0, bits = 0, prefix = ~0u, end = size;
	const uint16_t *symbol = c->sorted;
	for (unsigned i = 0; i < size; i++) table[i] = TABLE_INVALID;
	for (unsigned len = 1; len <= MAX_LENGTH; len++) {
		for (unsigned left = c->count[len]; left; left--, code = next_code(code, len)) {
			uint32_t value = c->values[*symbol++];
			if (len <= c->first) {
				uint32_t entry = (value + len) | len << 8;
				for (unsigned i = code; i < size; i += 1u << len) table[i] = entry;
				continue;
			}
			if ((code & (size - 1)) != prefix) {
				prefix = code & (size - 1);
				bits = second_bits(c, len, left);
				begin = end;
				end += 1u << bits;
				table[prefix] = begin << 16 | TABLE_SECOND | bits;
			}
			uint32_t entry = (value + len - c->first) | (len - c->first) << 8;
			for (unsigned i = code >> c->first; i < 1u << bits; i += 1u << (len - c->first)) table[begin + i] = entry;
		}
	}
}
