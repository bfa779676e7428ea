/* Maps of sparse files: GNU's old form, and the PAX forms 0.0, 0.1 and 1.0. */
#ifndef CORE_UNPACK_TAR_SPARSE_H
#define CORE_UNPACK_TAR_SPARSE_H

#include "tar.h"

void sparse_reset(struct tar *t);
/* A PAX record GNU.sparse.`key`. */
int sparse_record(struct tar *t, const char *key, size_t key_len, const char *value, size_t len, struct err *err);
/* The map of a header of type S, and of the blocks that continue it. */
int sparse_old(struct tar *t, const uint8_t block[TAR_BLOCK], struct err *err);
/* After all records: reads the map that PAX 1.0 keeps in front of the data, and checks whatever map there is. */
int sparse_finish(struct tar *t, struct err *err);

#endif
