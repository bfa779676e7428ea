/* Bytes come in, their SHA-256 goes out; called by the unpacker for the archive and for the tar stream within. */
#include "sha256.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

static const uint32_t K[64] __attribute__((aligned(16))) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
	0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
	0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
	0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
	0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
	0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static void rounds_portable(uint32_t state[8], const uint8_t *data, size_t blocks);
#if defined(__x86_64__)
static int has_sha_ni(void);
static void rounds_sha_ni(uint32_t state[8], const uint8_t *data, size_t blocks);
#endif

void sha256_init(struct sha256 *h) {
	sha256_init_portable(h);
#if defined(__x86_64__)
	if (has_sha_ni()) h->rounds = rounds_sha_ni;
#endif
}

void sha256_init_portable(struct sha256 *h) {
	static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	memcpy(h->state, start, sizeof start);
	h->total = 0;
	h->rounds = rounds_portable;
}

void sha256_update(struct sha256 *h, const uint8_t *data, size_t len) {
	size_t held = h->total % 64;
	h->total += len;
	if (held) {
		size_t take = len < 64 - held ? len : 64 - held;
		memcpy(h->block + held, data, take);
		if (held + take < 64) return;
		h->rounds(h->state, h->block, 1);
		data += take;
		len -= take;
	}
	if (len >= 64) h->rounds(h->state, data, len / 64);
	if (len % 64) memcpy(h->block, data + (len & ~(size_t)63), len % 64);
}

void sha256_text(struct sha256 *h, char text[SHA256_TEXT]) {
	static const char digits[] = "0123456789abcdef";
	uint64_t bits = h->total * 8;
	uint8_t tail[72] = {0x80};
	size_t pad = (h->total % 64 < 56 ? 56 : 120) - h->total % 64;
	for (int i = 0; i < 8; i++) tail[pad + i] = (uint8_t)(bits >> (56 - 8 * i));
	sha256_update(h, tail, pad + 8);
	memcpy(text, "sha256:", 7);
	for (int i = 0; i < SHA256_SIZE; i++) {
		uint8_t byte = (uint8_t)(h->state[i / 4] >> (24 - 8 * (i % 4)));
		text[7 + 2 * i] = digits[byte >> 4];
		text[8 + 2 * i] = digits[byte & 15];
	}
	text[SHA256_TEXT - 1] = 0;
}

static uint32_t rotate(uint32_t x, int n) {
	return x >> n | x << (32 - n);
}

static void expand(uint32_t w[64], const uint8_t *data) {
	for (int i = 0; i < 16; i++) {
		uint32_t word;
		memcpy(&word, data + 4 * i, 4);
		w[i] = __builtin_bswap32(word);
	}
	for (int i = 16; i < 64; i++) {
		uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
		uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
		w[i] = w[i - 16] + s0 + w[i - 7] + s1;
	}
}

static void rounds_portable(uint32_t state[8], const uint8_t *data, size_t blocks) {
	uint32_t w[64], v[8];
	for (; blocks; blocks--, data += 64) {
		expand(w, data);
		memcpy(v, state, sizeof v);
		for (int i = 0; i < 64; i++) {
			uint32_t s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
			uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + K[i] + w[i];
			uint32_t s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
			uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
			memmove(v + 1, v, 7 * sizeof v[0]);
			v[4] += t1;
			v[0] = t1 + t2;
		}
		for (int i = 0; i < 8; i++) state[i] += v[i];
	}
}

#if defined(__x86_64__)
static int has_sha_ni(void) {
	unsigned a, b, c, d;
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1) || !(c & bit_SSSE3)) return 0;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 29));
}

/* Four rounds: the message words in `m`, the constants from `K`. */
#define FOUR(i, m)                                                              \
	do {                                                                        \
		__m128i k = _mm_add_epi32(m, _mm_load_si128((const __m128i *)(K + 4 * (i)))); \
		s1 = _mm_sha256rnds2_epu32(s1, s0, k);                                  \
		s0 = _mm_sha256rnds2_epu32(s0, s1, _mm_shuffle_epi32(k, 0x0e));         \
	} while (0)

/* The next four message words into `a`, from the sixteen before them (a oldest, d newest). */
#define NEXT(a, b, c, d) \
	a = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(a, b), _mm_alignr_epi8(d, c, 4)), d)

__attribute__((target("sha,sse4.1,ssse3"))) static void rounds_sha_ni(uint32_t state[8], const uint8_t *data, size_t blocks) {
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
	/* The instructions want the state as ABEF and CDGH. */
	__m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
	__m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
	__m128i s0 = _mm_alignr_epi8(low, high, 8);
	__m128i s1 = _mm_blend_epi16(high, low, 0xf0);
	for (; blocks; blocks--, data += 64) {
		const __m128i *in = (const __m128i *)data;
		__m128i old0 = s0, old1 = s1;
		__m128i a = _mm_shuffle_epi8(_mm_loadu_si128(in), swap), b = _mm_shuffle_epi8(_mm_loadu_si128(in + 1), swap);
		__m128i c = _mm_shuffle_epi8(_mm_loadu_si128(in + 2), swap), d = _mm_shuffle_epi8(_mm_loadu_si128(in + 3), swap);
		FOUR(0, a);
		FOUR(1, b);
		FOUR(2, c);
		FOUR(3, d);
		for (int i = 4; i < 16; i += 4) {
			NEXT(a, b, c, d);
			FOUR(i, a);
			NEXT(b, c, d, a);
			FOUR(i + 1, b);
			NEXT(c, d, a, b);
			FOUR(i + 2, c);
			NEXT(d, a, b, c);
			FOUR(i + 3, d);
		}
		s0 = _mm_add_epi32(s0, old0);
		s1 = _mm_add_epi32(s1, old1);
	}
	low = _mm_shuffle_epi32(s0, 0x1b);
	high = _mm_shuffle_epi32(s1, 0xb1);
	_mm_storeu_si128((__m128i *)state, _mm_blend_epi16(low, high, 0xf0));
	_mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(high, low, 8));
}
#endif
