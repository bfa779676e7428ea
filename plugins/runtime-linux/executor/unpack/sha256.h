/* SHA-256 (FIPS 180-4) of a stream of bytes. */
#ifndef CORE_UNPACK_SHA256_H
#define CORE_UNPACK_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32
#define SHA256_TEXT 72 /* "sha256:", 64 digits, NUL */

struct sha256 {
	uint32_t state[8];
	uint64_t total;
	uint8_t block[64];
	void (*rounds)(uint32_t state[8], const uint8_t *data, size_t blocks);
};

void sha256_init(struct sha256 *h);
/* The same, without the CPU's own instructions. */
void sha256_init_portable(struct sha256 *h);
void sha256_update(struct sha256 *h, const uint8_t *data, size_t len);
/* Ends the hash and writes it as "sha256:<hex>". */
void sha256_text(struct sha256 *h, char text[SHA256_TEXT]);

#endif
