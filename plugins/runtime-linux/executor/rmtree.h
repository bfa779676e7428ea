/* Removal of whole trees. */
#ifndef CORE_RMTREE_H
#define CORE_RMTREE_H

#include "err.h"

/* By fd, never across a mount, never through a symlink; what is not there counts as removed. */
int rmtree(const char *path, struct err *err);

#endif
