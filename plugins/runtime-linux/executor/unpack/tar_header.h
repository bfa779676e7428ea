/* One header block of a tar archive. */
#ifndef CORE_UNPACK_TAR_HEADER_H
#define CORE_UNPACK_TAR_HEADER_H

#include "tar.h"

/* Fills `e` from a block; -1 names the field that is wrong. `e->stored` is the size field. */
int tar_header(const uint8_t block[TAR_BLOCK], struct tar_entry *e, struct err *err);
bool tar_is_zero(const uint8_t block[TAR_BLOCK]);
/* A number field: octal, or base 256 when its first bit is set. */
int tar_number(const uint8_t *field, size_t len, int64_t *value);

#endif
