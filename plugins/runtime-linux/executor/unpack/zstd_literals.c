/* A block's literals section comes in, the literals go out; called by zstd.c. */
#include "zstd_literals.h"

#include "zstd_bits.h"
#include "zstd_fse.h"

#include <errno.h>

enum kind { RAW, RLE, COMPRESSED, TREELESS };

struct section {
	enum kind kind;
	size_t header, packed, len;
	bool single; /* one stream instead of four */
};

static int read_header(struct section *s, const uint8_t *data, size_t len);
static int64_t read_tree(struct zstd_literals *l, const uint8_t *data, size_t len);
static int decode(struct zstd_literals *l, const uint8_t *data, const struct section *s);

int64_t zstd_literals(struct zstd_literals *l, const uint8_t *data, size_t len, struct err *err) {
	struct section s;
	if (read_header(&s, data, len) < 0) return err_set(err, EBADMSG, "zstd: the header of a block's literals is damaged");
	data += s.header;
	l->len = s.len;
	if (s.kind == RAW) memcpy(l->data, data, s.len);
	if (s.kind == RLE) memset(l->data, data[0], s.len);
	if (s.kind == RAW || s.kind == RLE) return (int64_t)(s.header + s.packed);
	size_t tree = 0;
	if (s.kind == COMPRESSED) {
		int64_t n = read_tree(l, data, s.packed);
		if (n < 0) return err_set(err, EBADMSG, "zstd: a Huffman table is damaged");
		tree = (size_t)n;
	}
	if (!l->has_table) return err_set(err, EBADMSG, "zstd: a block refers to a Huffman table that was never there");
	struct section streams = s;
	streams.packed -= tree;
	if (decode(l, data + tree, &streams) < 0) return err_set(err, EBADMSG, "zstd: the literals of a block are damaged");
	return (int64_t)(s.header + s.packed);
}

static int read_header(struct section *s, const uint8_t *data, size_t len) {
	uint64_t h = 0;
	if (!len) return -1;
	for (size_t i = 0; i < 5 && i < len; i++) h |= (uint64_t)data[i] << 8 * i;
	unsigned format = h >> 2 & 3;
	s->kind = (enum kind)(h & 3);
	s->single = false;
	if (s->kind == RAW || s->kind == RLE) {
		static const uint8_t sizes[4] = {1, 2, 1, 3}, shifts[4] = {3, 4, 3, 4}, bits[4] = {5, 12, 5, 20};
		s->header = sizes[format];
		s->len = h >> shifts[format] & ((1u << bits[format]) - 1);
		s->packed = s->kind == RAW ? s->len : 1;
	} else {
		static const uint8_t sizes[4] = {3, 3, 4, 5}, bits[4] = {10, 10, 14, 18};
		uint64_t mask = (1u << bits[format]) - 1;
		s->header = sizes[format];
		s->len = h >> 4 & mask;
		s->packed = h >> (4 + bits[format]) & mask;
		s->single = format == 0;
	}
	return s->len > LITERALS_MAX || s->header > len || s->packed > len - s->header ? -1 : 0;
}

/* Weights packed by two states that take turns, until the stream has been used up. */
static int packed_weights(uint8_t *weights, const uint8_t *data, size_t len) {
	struct fse_table table;
	struct zstd_bits b;
	int n = fse_read(&table, data, len, (struct fse_limits){6, 13});
	if (n < 0 || zstd_bits_open(&b, data + n, len - (size_t)n) < 0) return -1;
	unsigned state[2], count = 0;
	zstd_bits_load(&b);
	state[0] = (unsigned)zstd_bits_take(&b, table.log);
	state[1] = (unsigned)zstd_bits_take(&b, table.log);
	if (b.left < 0) return -1;
	for (unsigned turn = 0; count < 254; turn ^= 1) {
		const struct fse_cell *cell = &table.cell[state[turn]];
		weights[count++] = cell->symbol;
		zstd_bits_load(&b);
		state[turn] = cell->base + (unsigned)zstd_bits_take(&b, cell->bits);
		if (b.left < 0) {
			weights[count++] = table.cell[state[turn ^ 1]].symbol;
			return (int)count;
		}
	}
	return -1;
}

static int plain_weights(uint8_t *weights, const uint8_t *data, unsigned count) {
	for (unsigned i = 0; i < count; i++) weights[i] = i % 2 ? data[i / 2] & 15 : data[i / 2] >> 4;
	return (int)count;
}

/* The last symbol's weight is what is missing to a power of two. */
static int complete(struct zstd_literals *l, uint8_t *weights, unsigned count) {
	uint32_t sum = 0;
	for (unsigned i = 0; i < count; i++) {
		if (weights[i] > HUFFMAN_LOG_MAX) return -1;
		sum += weights[i] ? 1u << (weights[i] - 1) : 0;
	}
	if (!sum) return -1;
	l->log = 32u - (unsigned)__builtin_clz(sum);
	uint32_t rest = (1u << l->log) - sum;
	if (l->log > HUFFMAN_LOG_MAX || rest & (rest - 1)) return -1;
	weights[count] = (uint8_t)(32 - __builtin_clz(rest));
	return 0;
}

static int64_t read_tree(struct zstd_literals *l, const uint8_t *data, size_t len) {
	uint8_t weights[256] = {0};
	if (!len) return -1;
	size_t size = data[0] < 128 ? data[0] : (data[0] - 127u + 1) / 2;
	if (size > len - 1) return -1;
	int count = data[0] < 128 ? packed_weights(weights, data + 1, size) : plain_weights(weights, data + 1, data[0] - 127u);
	l->has_table = false;
	if (count < 1 || complete(l, weights, (unsigned)count) < 0) return -1;
	uint32_t at = 0;
	for (unsigned w = 1; w <= l->log; w++)
		for (unsigned s = 0; s <= (unsigned)count; s++)
			if (weights[s] == w)
				for (uint32_t n = 1u << (w - 1); n; n--) l->table[at++] = (uint16_t)((l->log + 1 - w) << 8 | s);
	if (at != 1u << l->log) return -1;
	l->has_table = true;
	return (int64_t)(size + 1);
}

static inline uint8_t symbol(struct zstd_bits *b, const uint16_t *table, unsigned log) {
	uint16_t e = table[b->bits >> (64 - log)];
	b->bits <<= e >> 8;
	b->left -= e >> 8;
	return (uint8_t)e;
}

/* The end of a stream, or all of a short one. It must be used up to the bit. */
static int decode_rest(struct zstd_bits *b, const struct zstd_literals *l, uint8_t *to, const uint8_t *end) {
	while (to < end) {
		if (b->left < 0) return -1;
		zstd_bits_load(b);
        *to++ = symbol(b, l->table, l->log);
	}
	return b->left == 0 ? 0 : -1;
}

static int decode(struct zstd_literals *l, const uint8_t *data, const struct section *s) {
	struct zstd_bits b[4];
	uint8_t *to[4], *end[4];
	if (s->single) return zstd_bits_open(b, data, s->packed) < 0 ? -1 : decode_rest(b, l, l->data, l->data + s->len);
	if (s->packed < 10) return -1;
	size_t quarter = (s->len + 3) / 4, at = 6;
	if (3 * quarter > s->len) return -1;
	for (int i = 0; i < 4; i++) {
		size_t size = i < 3 ? data[2 * i] + 256u * data[2 * i + 1] : s->packed - at;
		if (size > s->packed - at || zstd_bits_open(&b[i], data + at, size) < 0) return -1;
		at += size;
		to[i] = l->data + (size_t)i * quarter;
		end[i] = i < 3 ? to[i] + quarter : l->data + s->len;
	}
	/* Five codes of eleven bits fit into one load; the last quarter is the shortest. */
	while (end[3] - to[3] >= 5) {
		if ((b[0].left | b[1].left | b[2].left | b[3].left) < 0) return -1;
		for (int i = 0; i < 4; i++) zstd_bits_load(&b[i]);
		for (int k = 0; k < 5; k++)
			for (int i = 0; i < 4; i++) *to[i]++ = symbol(&b[i], l->table, l->log);
	}
	for (int i = 0; i < 4; i++)
		if (decode_rest(&b[i], l, to[i], end[i]) < 0) return -1;
	return 0;
}
