/* The executor for one request, without a monitor. */
#ifndef CORE_ONCE_H
#define CORE_ONCE_H

#include <sys/types.h>

#include "conn.h"
#include "launch.h"

/* Serves the one request that comes over `channel`; gives the exit status. */
int once_main(int channel);

/* foreground.c: stays with the process until it ends; gives its exit status as a shell would. `master` may be -1. */
int foreground(struct process *process);

#endif
