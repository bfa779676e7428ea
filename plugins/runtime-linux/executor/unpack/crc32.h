/* CRC-32 as gzip has it (RFC 1952, section 8). */
#ifndef CORE_UNPACK_CRC32_H
#define CORE_UNPACK_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* `crc` is the result so far, 0 at the beginning. */
uint32_t crc32_update(uint32_t crc, const uint8_t *data, size_t len);
uint32_t crc32_update_portable(uint32_t crc, const uint8_t *data, size_t len);

#endif
