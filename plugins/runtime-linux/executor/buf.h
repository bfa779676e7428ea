/* A byte queue on pages of its own, so that what is given back leaves the process for good. */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data;
	size_t off, len, cap; /* the bytes waiting are data[off .. off+len) */
};

/* Room for `more` bytes after the waiting ones; NULL when memory is out. Commit them with buf_grow. */
uint8_t *buf_room(struct buf *buf, size_t more);
void buf_grow(struct buf *buf, size_t len);
int buf_add(struct buf *buf, const void *data, size_t len);
/* Takes `len` bytes from the front; an empty buffer larger than a page is given back. */
void buf_drop(struct buf *buf, size_t len);
void buf_free(struct buf *buf);

static inline uint8_t *buf_head(const struct buf *buf) {
	return buf->data + buf->off;
}

#endif
