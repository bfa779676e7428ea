/* Bytes come in, their CRC-32 goes out; called by the gzip reader for each member's check. */
#include "crc32.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#define POLYNOMIAL 0xedb88320u

static uint32_t table[8][256];

static void make_table(void);
#if defined(__x86_64__)
static int has_clmul(void);
static uint32_t fold(uint32_t crc, const uint8_t *data, size_t len);
#endif

uint32_t crc32_update(uint32_t crc, const uint8_t *data, size_t len) {
#if defined(__x86_64__)
	if (len >= 64 && has_clmul()) {
		size_t whole = len & ~(size_t)15;
		crc = ~fold(~crc, data, whole);
		data += whole;
		len -= whole;
	}
#endif
	return crc32_update_portable(crc, data, len);
}

uint32_t crc32_update_portable(uint32_t crc, const uint8_t *data, size_t len) {
	if (!table[0][1]) make_table();
	crc = ~crc;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	for (; len >= 8; len -= 8, data += 8) {
		uint32_t a, b;
		memcpy(&a, data, 4);
		memcpy(&b, data + 4, 4);
		a ^= crc;
		crc = table[7][a & 255] ^ table[6][a >> 8 & 255] ^ table[5][a >> 16 & 255] ^ table[4][a >> 24] ^ table[3][b & 255]
			^ table[2][b >> 8 & 255] ^ table[1][b >> 16 & 255] ^ table[0][b >> 24];
	}
#endif
	for (; len; len--, data++) crc = crc >> 8 ^ table[0][(crc ^ *data) & 255];
	return ~crc;
}

static void make_table(void) {
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;
		for (int bit = 0; bit < 8; bit++) c = c & 1 ? c >> 1 ^ POLYNOMIAL : c >> 1;
		table[0][i] = c;
	}
	for (int k = 1; k < 8; k++)
		for (int i = 0; i < 256; i++) table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 255];
}

#if defined(__x86_64__)
static int has_clmul(void) {
	static int known = -1;
	unsigned a, b, c, d;
	if (known < 0) known = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_PCLMUL) && (c & bit_SSE4_1);
	return known;
}

#define TARGET __attribute__((target("pclmul,sse4.1")))

/* x, moved forward by as many bits as the two constants of `k` stand for, onto `next`. */
TARGET static inline __m128i step(__m128i x, __m128i k, __m128i next) {
	return _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(x, k, 0x00), _mm_clmulepi64_si128(x, k, 0x11)), next);
}

TARGET static inline __m128i load(const uint8_t *p) {
	return _mm_loadu_si128((const __m128i *)p);
}

/* Folding by carry-less multiplication, then Barrett's reduction; the constants are powers of x modulo the polynomial.
 * `len` is a multiple of 16, at least 64; the CRC goes in and comes out uninverted. */
TARGET static uint32_t fold(uint32_t crc, const uint8_t *data, size_t len) {
	const __m128i by64 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4), by16 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
	const __m128i by8 = _mm_set_epi64x(0, 0x0163cd6124), barrett = _mm_set_epi64x(0x01f7011641, 0x01db710641);
	const __m128i low32 = _mm_setr_epi32(-1, 0, -1, 0);
	__m128i a = _mm_xor_si128(load(data), _mm_cvtsi32_si128((int)crc));
	__m128i b = load(data + 16), c = load(data + 32), d = load(data + 48);
	for (data += 64, len -= 64; len >= 64; data += 64, len -= 64) {
		a = step(a, by64, load(data));
		b = step(b, by64, load(data + 16));
		c = step(c, by64, load(data + 32));
		d = step(d, by64, load(data + 48));
	}
	a = step(step(step(a, by16, b), by16, c), by16, d);
	for (; len; data += 16, len -= 16) a = step(a, by16, load(data));

	/* 128 bits to 64, then to 32. */
	a = _mm_xor_si128(_mm_srli_si128(a, 8), _mm_clmulepi64_si128(a, by16, 0x10));
	a = _mm_xor_si128(_mm_srli_si128(a, 4), _mm_clmulepi64_si128(_mm_and_si128(a, low32), by8, 0x00));
	__m128i t = _mm_clmulepi64_si128(_mm_and_si128(a, low32), barrett, 0x10);
	t = _mm_clmulepi64_si128(_mm_and_si128(t, low32), barrett, 0x00);
	return (uint32_t)_mm_extract_epi32(_mm_xor_si128(a, t), 1);
}
#endif
