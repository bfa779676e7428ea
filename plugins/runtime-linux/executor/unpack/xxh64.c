/* Bytes come in, their XXH64 (seed 0) goes out; called by zstd.c. */
#include "xxh64.h"

#include <string.h>

#define P1 0x9e3779b185ebca87ull
#define P2 0xc2b2ae3d27d4eb4full
#define P3 0x165667b19e3779f9ull
#define P4 0x85ebca77c2b2ae63ull
#define P5 0x27d4eb2f165667c5ull

static uint64_t rotate(uint64_t x, int n) {
	return x << n | x >> (64 - n);
}

static uint64_t load(const uint8_t *p, int bytes) {
	uint64_t v = 0;
	memcpy(&v, p, (size_t)bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v) >> 0;
	v = bytes == 4 ? __builtin_bswap32((uint32_t)(v >> 32)) : v;
#endif
	return v;
}

static uint64_t add(uint64_t lane, uint64_t value) {
	return rotate(lane + value * P2, 31) * P1;
}

static void stripes(struct xxh64 *x, const uint8_t *data, size_t count) {
	for (; count; count--, data += 32)
		for (int i = 0; i < 4; i++) x->lane[i] = add(x->lane[i], load(data + 8 * i, 8));
}

void xxh64_init(struct xxh64 *x) {
	const uint64_t start[4] = {P1 + P2, P2, 0, 0 - P1};
	memcpy(x->lane, start, sizeof start);
	x->total = 0;
}

void xxh64_update(struct xxh64 *x, const uint8_t *data, size_t len) {
	size_t held = x->total % 32;
	x->total += len;
	if (held) {
		size_t take = len < 32 - held ? len : 32 - held;
		memcpy(x->block + held, data, take);
		if (held + take < 32) return;
		stripes(x, x->block, 1);
		data += take;
		len -= take;
	}
	stripes(x, data, len / 32);
	if (len % 32) memcpy(x->block, data + (len & ~(size_t)31), len % 32);
}

uint64_t xxh64_value(const struct xxh64 *x) {
	uint64_t h = x->lane[2] + P5;
	const uint8_t *p = x->block, *end = x->block + x->total % 32;
	if (x->total >= 32) {
		h = rotate(x->lane[0], 1) + rotate(x->lane[1], 7) + rotate(x->lane[2], 12) + rotate(x->lane[3], 18);
		for (int i = 0; i < 4; i++) h = (h ^ add(0, x->lane[i])) * P1 + P4;
	}
	h += x->total;
	for (; end - p >= 8; p += 8) h = rotate(h ^ add(0, load(p, 8)), 27) * P1 + P4;
	for (; end - p >= 4; p += 4) h = rotate(h ^ load(p, 4) * P1, 23) * P2 + P3;
	for (; p < end; p++) h = rotate(h ^ *p * P5, 11) * P1;
	h = (h ^ h >> 33) * P2;
	h = (h ^ h >> 29) * P3;
	return h ^ h >> 32;
}
