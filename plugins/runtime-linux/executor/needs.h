/* What this program needs of the kernel. */
#ifndef CORE_NEEDS_H
#define CORE_NEEDS_H

#include "err.h"

/* -1 names the first call that cannot be made; `err->step` is "kernel" then. */
int needs_check(struct err *err);
/* One line per call on stdout: `NAME present`, or the name of what the kernel answers. */
int needs_print(void);

#endif
