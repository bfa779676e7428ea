/* A file's content. */
#ifndef CORE_UNPACK_CONTENT_H
#define CORE_UNPACK_CONTENT_H

#include "tar.h"

/* Writes the entry's data to a fresh file, holes as holes; adds to `written`. */
int content_write(struct tar *tar, int fd, uint64_t *written, struct err *err);

#endif
