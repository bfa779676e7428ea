/* The executor's own mount namespace. */
#ifndef CORE_SLIM_H
#define CORE_SLIM_H

#include <stdbool.h>

#include "err.h"

/* Leaves the machine's mount namespace, of which an fd is returned, for a private one without the mounts that nobody needs.
 * `keep`: paths whose mounts stay, ended by NULL. `mapped`: as root of a user namespace only, to whom no mount gives way. */
int slim_enter(const char *const *keep, bool mapped, struct err *err);

#endif
