/* The queue of buf.h: bytes come in at the end and leave at the front. Used by every connection. */
#define _GNU_SOURCE
#include "buf.h"

#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, KEEP = 64 * 1024 };

uint8_t *buf_room(struct buf *buf, size_t more) {
	size_t cap = buf->cap ? buf->cap : PAGE;
	void *data;

	if (buf->off + buf->len + more <= buf->cap) return buf->data + buf->off + buf->len;
	if (buf->off) {
		memmove(buf->data, buf->data + buf->off, buf->len);
		buf->off = 0;
		if (buf->len + more <= buf->cap) return buf->data + buf->len;
	}
	while (cap < buf->len + more) cap *= 2;
	data = buf->data ? mremap(buf->data, buf->cap, cap, MREMAP_MAYMOVE)
	                 : mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == MAP_FAILED) return NULL;
	buf->data = data;
	buf->cap = cap;
	return buf->data + buf->len;
}

void buf_grow(struct buf *buf, size_t len) {
	buf->len += len;
}

int buf_add(struct buf *buf, const void *data, size_t len) {
	uint8_t *room = buf_room(buf, len);

	if (!room) return -1;
	memcpy(room, data, len);
	buf->len += len;
	return 0;
}

void buf_drop(struct buf *buf, size_t len) {
	buf->off += len;
	buf->len -= len;
	if (buf->len) return;
	buf->off = 0;
	if (buf->cap > KEEP) buf_free(buf);
}

void buf_free(struct buf *buf) {
	if (buf->data) munmap(buf->data, buf->cap);
	*buf = (struct buf){ 0 };
}
