/* XXH64, the checksum of Zstandard frames (RFC 8878, section 3.1.1). */
#ifndef CORE_UNPACK_XXH64_H
#define CORE_UNPACK_XXH64_H

#include <stddef.h>
#include <stdint.h>

struct xxh64 {
	uint64_t lane[4], total;
	uint8_t block[32];
};

void xxh64_init(struct xxh64 *x);
void xxh64_update(struct xxh64 *x, const uint8_t *data, size_t len);
uint64_t xxh64_value(const struct xxh64 *x);

#endif
