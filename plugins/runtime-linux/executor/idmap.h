/* Id maps of user namespaces. */
#ifndef CORE_IDMAP_H
#define CORE_IDMAP_H

#include "err.h"

/* Writes both maps of a process's user namespace; setgroups stays allowed. */
int userns_map(int pid, const char *uids, const char *gids, struct err *err);
int userns_open(int pid, struct err *err);

#endif
