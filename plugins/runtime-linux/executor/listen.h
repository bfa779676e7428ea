/* Unix sockets in a folder. */
#ifndef CORE_LISTEN_H
#define CORE_LISTEN_H

#include "err.h"

/* Listens on dir/name, whatever its length, readable and writable by its owner only; a stale socket there goes. */
int listen_in(const char *dir, const char *name, struct err *err);

#endif
