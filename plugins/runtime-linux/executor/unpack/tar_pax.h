/* PAX extended headers (POSIX.1-2001, pax, "pax Extended Header"). */
#ifndef CORE_UNPACK_TAR_PAX_H
#define CORE_UNPACK_TAR_PAX_H

#include "tar.h"

/* Lays the records of `text` over the entry. Values point into `text`. */
int pax_apply(const struct pax_text *text, struct tar *t, struct err *err);

#endif
