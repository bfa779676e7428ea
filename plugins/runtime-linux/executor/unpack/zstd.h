/* Zstandard (RFC 8878), frames one after the other. */
#ifndef CORE_UNPACK_ZSTD_H
#define CORE_UNPACK_ZSTD_H

#include "source.h"
#include "window.h"

#define ZSTD_HISTORY_MAX (128u << 20) /* what the zstd program accepts without --long */
#define ZSTD_BLOCK_MAX (128u << 10)

struct zstd;

/* NULL when memory is out. */
struct zstd *zstd_begin(void);
void zstd_free(struct zstd *z);
/* Decodes a block or more until there is something in the window (0) or the archive has ended (1). Sizes the window itself. */
int zstd_step(struct zstd *z, struct source *in, struct window *out, struct err *err);

#endif
