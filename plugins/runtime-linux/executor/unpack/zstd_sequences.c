/* A block's sequences come in, its content goes out into the window; called by zstd.c. */
#include "zstd_sequences.h"

#include "zstd_bits.h"

#include <errno.h>

enum { LITERAL, OFFSET, MATCH };
enum { PREDEFINED, SINGLE, DESCRIBED, REPEATED };

struct code {
	uint32_t base;
	uint8_t bits;
};

static const struct code literal_codes[36] = {
	{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}, {6, 0}, {7, 0}, {8, 0}, {9, 0}, {10, 0}, {11, 0}, {12, 0}, {13, 0}, {14, 0}, {15, 0}, {16, 1}, {18, 1},
	{20, 1}, {22, 1}, {24, 2}, {28, 2}, {32, 3}, {40, 3}, {48, 4}, {64, 6}, {128, 7}, {256, 8}, {512, 9}, {1024, 10}, {2048, 11}, {4096, 12}, {8192, 13},
	{16384, 14}, {32768, 15}, {65536, 16},
};
static const struct code match_codes[53] = {
	{3, 0}, {4, 0}, {5, 0}, {6, 0}, {7, 0}, {8, 0}, {9, 0}, {10, 0}, {11, 0}, {12, 0}, {13, 0}, {14, 0}, {15, 0}, {16, 0}, {17, 0}, {18, 0}, {19, 0}, {20, 0},
	{21, 0}, {22, 0}, {23, 0}, {24, 0}, {25, 0}, {26, 0}, {27, 0}, {28, 0}, {29, 0}, {30, 0}, {31, 0}, {32, 0}, {33, 0}, {34, 0}, {35, 1}, {37, 1}, {39, 1},
	{41, 1}, {43, 2}, {47, 2}, {51, 3}, {59, 3}, {67, 4}, {83, 4}, {99, 5}, {131, 7}, {259, 8}, {515, 9}, {1027, 10}, {2051, 11}, {4099, 12}, {8195, 13},
	{16387, 14}, {32771, 15}, {65539, 16},
};
static const int16_t literal_counts[36] = {4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1};
static const int16_t offset_counts[29] = {1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1};
static const int16_t match_counts[53] = {1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
										 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1};

/* Largest log and number of symbols a description may have, and the predefined distribution. */
static const struct {
	struct fse_limits limits, usual;
	const int16_t *counts;
} kinds[3] = {
	[LITERAL] = {{9, 36}, {6, 36}, literal_counts},
	[OFFSET] = {{8, 32}, {5, 29}, offset_counts},
	[MATCH] = {{9, 53}, {6, 53}, match_counts},
};

/* Where a block is written, and from which literals. */
struct output {
	uint8_t *to;
	const uint8_t *floor, *end;
	const uint8_t *literals, *literals_end;
};

struct step {
	size_t literals, match, offset;
};

static int read_tables(struct zstd_sequences *s, const uint8_t *data, size_t len);
static int carry_out(struct zstd_sequences *s, struct zstd_bits *b, size_t count, struct output *o);

void zstd_sequences_reset(struct zstd_sequences *s) {
	static const uint32_t start[3] = {1, 4, 8};
	memcpy(s->repeat, start, sizeof start);
	memset(s->has_table, 0, sizeof s->has_table);
}

int zstd_sequences(struct zstd_sequences *s, const struct zstd_literals *l, const uint8_t *data, size_t len, struct window *out, struct err *err) {
	struct output o = {.to = out->buffer + out->end, .floor = out->buffer + out->floor, .literals = l->data, .literals_end = l->data + l->len};
	const uint8_t *p = data, *end = data + len;
	size_t count = 0;
	o.end = o.to + LITERALS_MAX;
	if (!len) return err_set(err, EBADMSG, "zstd: a block ends before its sequences");
	unsigned extra = p[0] == 255 ? 2 : p[0] >= 128 ? 1 : 0;
	if (len < 1u + extra) return err_set(err, EBADMSG, "zstd: a block ends before its sequences");
	count = extra == 2 ? p[1] + (p[2] << 8) + 0x7f00u : extra == 1 ? ((p[0] - 128u) << 8) + p[1] : p[0];
	p += 1 + extra;
	if (count) {
		struct zstd_bits b;
		int n = read_tables(s, p, (size_t)(end - p));
		if (n < 0) return err_set(err, EBADMSG, "zstd: the tables of a block's sequences are damaged");
		p += n;
		if (zstd_bits_open(&b, p, (size_t)(end - p)) < 0 || carry_out(s, &b, count, &o) < 0)
			return err_set(err, EBADMSG, "zstd: the sequences of a block are damaged");
	} else if (p != end) {
		return err_set(err, EBADMSG, "zstd: something follows the sequences of a block");
	}
	size_t rest = (size_t)(o.literals_end - o.literals);
	if (rest > (size_t)(o.end - o.to)) return err_set(err, EBADMSG, "zstd: a block is larger than it may be");
	memcpy(o.to, o.literals, rest);
	out->end = (size_t)(o.to + rest - out->buffer);
	return 0;
}

static int read_table(struct zstd_sequences *s, int kind, unsigned mode, const uint8_t *data, size_t len) {
	struct fse_table *table = &s->table[kind];
	int n = 0;
	if (mode == REPEATED) return s->has_table[kind] ? 0 : -1;
	if (mode == PREDEFINED) fse_build(table, kinds[kind].counts, kinds[kind].usual);
	if (mode == SINGLE) {
		if (!len || data[0] >= kinds[kind].limits.symbols) return -1;
		fse_single(table, data[0]);
		n = 1;
	}
	if (mode == DESCRIBED) n = fse_read(table, data, len, kinds[kind].limits);
	s->has_table[kind] = n >= 0;
	return n;
}

static int read_tables(struct zstd_sequences *s, const uint8_t *data, size_t len) {
	size_t at = 1;
	if (!len || data[0] & 3) return -1;
	for (int kind = LITERAL; kind <= MATCH; kind++) {
		int n = read_table(s, kind, data[0] >> (6 - 2 * kind) & 3, data + at, len - at);
		if (n < 0) return -1;
		at += (size_t)n;
	}
	return (int)at;
}

/* Offsets 1 to 3 mean one of the last three, or, without literals before the match, the next one over. */
static inline size_t offset_of(uint32_t repeat[3], uint64_t value, size_t literals) {
	uint32_t offset;
	if (value > 3) {
		offset = (uint32_t)(value - 3);
		repeat[2] = repeat[1];
		repeat[1] = repeat[0];
		repeat[0] = offset;
		return offset;
	}
	unsigned which = (unsigned)value - 1 + (literals == 0);
	if (which == 0) return repeat[0];
	offset = which == 3 ? repeat[0] - 1 : repeat[which];
	if (which > 1) repeat[2] = repeat[1];
	repeat[1] = repeat[0];
	repeat[0] = offset;
	return offset;
}

static inline void copy(uint8_t *to, const uint8_t *from, size_t len) {
	const uint8_t *end = to + len;
	do {
		memcpy(to, from, 16);
		to += 16;
		from += 16;
	} while (to < end);
}

/* Copies write up to 15 bytes beyond; the window's slack takes them. */
static inline int apply(struct output *o, struct step step) {
	if (step.literals > (size_t)(o->literals_end - o->literals)) return -1;
	if (step.literals + step.match > (size_t)(o->end - o->to)) return -1;
	copy(o->to, o->literals, step.literals);
	o->to += step.literals;
	o->literals += step.literals;
	if (step.offset - 1 >= (size_t)(o->to - o->floor)) return -1; /* zero too */
	const uint8_t *from = o->to - step.offset;
	if (step.offset >= 16) copy(o->to, from, step.match);
	else for (size_t i = 0; i < step.match; i++) o->to[i] = from[i];
	o->to += step.match;
	return 0;
}

static inline uint64_t extra(struct zstd_bits *b, struct code c) {
	return c.base + zstd_bits_take(b, c.bits);
}

static int carry_out(struct zstd_sequences *s, struct zstd_bits *b, size_t count, struct output *o) {
	const struct fse_cell *cell[3];
	zstd_bits_load(b);
	for (int kind = LITERAL; kind <= MATCH; kind++) cell[kind] = &s->table[kind].cell[zstd_bits_take(b, s->table[kind].log)];
	for (;;) {
		/* 31 + 16 bits, then 16 + 9 + 9 + 8: each fits into one load. */
		if (b->left < 0) return -1;
		zstd_bits_load(b);
		unsigned bits = cell[OFFSET]->symbol;
		uint64_t offset = extra(b, (struct code){1u << bits, (uint8_t)bits});
		struct step step = {.match = extra(b, match_codes[cell[MATCH]->symbol])};
		if (b->left < 0) return -1;
		zstd_bits_load(b);
		step.literals = extra(b, literal_codes[cell[LITERAL]->symbol]);
		step.offset = offset_of(s->repeat, offset, step.literals);
		if (apply(o, step) < 0) return -1;
		if (!--count) return b->left == 0 ? 0 : -1;
		cell[LITERAL] = &s->table[LITERAL].cell[cell[LITERAL]->base + zstd_bits_take(b, cell[LITERAL]->bits)];
		cell[MATCH] = &s->table[MATCH].cell[cell[MATCH]->base + zstd_bits_take(b, cell[MATCH]->bits)];
		cell[OFFSET] = &s->table[OFFSET].cell[cell[OFFSET]->base + zstd_bits_take(b, cell[OFFSET]->bits)];
	}
}
