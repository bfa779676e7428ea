/* Descriptions of entropy tables come in, decoding tables go out; called by zstd_literals.c and zstd_sequences.c. */
#include "zstd_fse.h"

#include <string.h>

struct reader {
	const uint8_t *data;
	size_t len, at; /* in bytes, in bits */
};

static unsigned peek(const struct reader *r, unsigned n) {
	uint32_t v = 0;
	size_t byte = r->at / 8;
	for (size_t i = 0; i < 4; i++)
		if (byte + i < r->len) v |= (uint32_t)r->data[byte + i] << 8 * i;
	return v >> r->at % 8 & ((1u << n) - 1);
}

/* Runs of symbols that do not occur, two bits at a time: 3 says that more follow. */
static unsigned skip_absent(struct reader *r) {
	unsigned total = 0, n;
	do {
		n = peek(r, 2);
		r->at += 2;
		total += n;
	} while (n == 3 && total < FSE_SYMBOLS_MAX);
	return total;
}

int fse_read(struct fse_table *table, const uint8_t *data, size_t len, struct fse_limits limits) {
	struct reader r = {data, len, 4};
	int16_t counts[FSE_SYMBOLS_MAX] = {0};
	unsigned symbol = 0;
	if (!len) return -1;
	unsigned log = (data[0] & 15) + 5;
	if (log > limits.log) return -1;
	int left = (1 << log) + 1, threshold = 1 << log;
	unsigned width = log + 1;
	while (left > 1) {
		if (symbol >= limits.symbols) return -1;
		int most = 2 * threshold - 1 - left, value = (int)peek(&r, width);
		if ((value & (threshold - 1)) < most) {
			value &= threshold - 1;
			r.at += width - 1;
		} else {
			if (value >= threshold) value -= most;
			r.at += width;
		}
		int count = value - 1; /* -1: less than one in the whole table */
		counts[symbol++] = (int16_t)count;
		left -= count < 0 ? 1 : count;
		if (count == 0) symbol += skip_absent(&r);
		for (; left < threshold && threshold > 1; threshold >>= 1) width--;
		if (r.at > 8 * len) return -1;
	}
	if (left != 1 || symbol > limits.symbols) return -1;
	fse_build(table, counts, (struct fse_limits){log, limits.symbols});
	return (int)((r.at + 7) / 8);
}

void fse_build(struct fse_table *table, const int16_t *counts, struct fse_limits size) {
	const unsigned total = 1u << size.log, mask = total - 1, step = (total >> 1) + (total >> 3) + 3;
	uint16_t next[FSE_SYMBOLS_MAX];
	unsigned high = total, at = 0;
	table->log = size.log;
	for (unsigned s = 0; s < size.symbols; s++) {
		next[s] = counts[s] < 0 ? 1 : (uint16_t)counts[s];
		if (counts[s] < 0) table->cell[--high].symbol = (uint8_t)s;
	}
	for (unsigned s = 0; s < size.symbols; s++)
		for (int i = 0; i < counts[s]; i++) {
			table->cell[at].symbol = (uint8_t)s;
			do at = (at + step) & mask;
			while (at >= high);
		}
	for (unsigned i = 0; i < total; i++) {
		struct fse_cell *cell = &table->cell[i];
		unsigned state = next[cell->symbol]++;
		cell->bits = (uint8_t)(size.log - (31u - (unsigned)__builtin_clz(state)));
		cell->base = (uint16_t)((state << cell->bits) - total);
	}
}

void fse_single(struct fse_table *table, uint8_t symbol) {
	table->log = 0;
	table->cell[0] = (struct fse_cell){0, 0, symbol};
}
