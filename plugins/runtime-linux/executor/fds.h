/* Closing what is not to be handed on. */
#ifndef CORE_FDS_H
#define CORE_FDS_H

#include "err.h"

/* Closes every descriptor from `first` on, whoever opened it. Allocates: not for the child of a sleeping parent. */
int fds_forget(unsigned first, struct err *err);
/* close_range(2) over descriptors of our own making; `flags` are that call's. Allocates nothing and wants no /proc. */
int fds_range(unsigned first, unsigned last, unsigned flags);

#endif
