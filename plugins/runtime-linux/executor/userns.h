/* The user namespace an ordinary user's executor lives in. */
#ifndef CORE_USERNS_H
#define CORE_USERNS_H

#include "err.h"

/* Makes the namespace, says `u` on descriptor 1, waits on descriptor 0 until whoever started us has written the id maps, and
 * executes this program anew as root of it, with MAPPED in place of ROOTLESS among its arguments. Returns on failure only. */
int userns_enter(char **argv, struct err *err);

#define ROOTLESS "--rootless"
#define MAPPED "--mapped"

#endif
