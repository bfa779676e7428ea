/* Keeps the executor's own file out of the reach of containers. */
#ifndef CORE_SEAL_H
#define CORE_SEAL_H

#include "err.h"

/* Executes this program again from a sealed copy in memory; returns 0 when it runs from one already. */
int seal_self(char **argv, struct err *err);

#endif
