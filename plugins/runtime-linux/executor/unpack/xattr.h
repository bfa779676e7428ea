/* Extended attributes an image may set. */
#ifndef CORE_UNPACK_XATTR_H
#define CORE_UNPACK_XATTR_H

#include "tar.h"

/* Sets those that are allowed: security.capability, and user.* except user.overlay.*. The others are overlayfs' own, or the machine's policy, and passed over. */
int xattr_set(int fd, const struct tar_entry *e, struct err *err);

#endif
