/* Whiteouts of the OCI image spec (layer.md): `.wh.NAME` hides NAME of the layers below, `.wh..wh..opq` all of a folder. */
#ifndef CORE_UNPACK_WHITEOUT_H
#define CORE_UNPACK_WHITEOUT_H

#include "tree.h"

enum whiteout { WHITEOUT_BAD = -1, WHITEOUT_NONE, WHITEOUT_FILE, WHITEOUT_OPAQUE, WHITEOUT_IGNORED };

enum whiteout whiteout_kind(const struct place *p, struct err *err);
int whiteout_file(struct tree *t, const struct place *p, struct err *err);
int whiteout_opaque(struct tree *t, const struct place *p, struct err *err);
/* Marks an open folder as hiding what is below it. */
int whiteout_mark(int fd, const char *path, struct err *err);

#endif
