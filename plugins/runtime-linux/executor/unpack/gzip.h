/* gzip files (RFC 1952), of one member or several. */
#ifndef CORE_UNPACK_GZIP_H
#define CORE_UNPACK_GZIP_H

#include "inflate.h"

struct gzip {
	struct inflate inflate;
	bool inside; /* a member */
	bool first;
	uint32_t crc, size;
};

void gzip_begin(struct gzip *g);
/* Decodes until the window is full (0) or the archive has ended (1). */
int gzip_step(struct gzip *g, struct source *in, struct window *out, struct err *err);

#endif
