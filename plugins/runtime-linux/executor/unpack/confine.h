/* What the unpacker's process gives up before it reads a hostile byte. */
#ifndef CORE_UNPACK_CONFINE_H
#define CORE_UNPACK_CONFINE_H

#include "../err.h"

#include <stddef.h>

/* Makes `root` the process' root folder, closes every descriptor but those of `keep` and 0 to 2, drops all capabilities that writing a tree does not
 * need, and allows only the system calls that reading one file and writing a tree take. For good. */
int confine(int root, const int *keep, size_t count, struct err *err);

#endif
