/* Folders for overlays to work in. */
#ifndef CORE_WORKDIR_H
#define CORE_WORKDIR_H

#include <stdbool.h>

#include "err.h"

/* A folder at `path`, absolute and shorter than 4096: one that was put by, or a new one. One that is there is fine. */
int workdir_take(const char *path, struct err *err);
/* Puts the folder by, beside where it is. False when it is not clean, or enough are kept: then it is to be removed. */
bool workdir_put(const char *path);

#endif
