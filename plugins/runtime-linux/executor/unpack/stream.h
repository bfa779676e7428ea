/* The tar stream within an archive, plain, gzip or zstd: bounded, hashed, given out in pieces. */
#ifndef CORE_UNPACK_STREAM_H
#define CORE_UNPACK_STREAM_H

#include "gzip.h"
#include "source.h"
#include "zstd.h"


struct stream {
	const uint8_t *next, *end; /* what the reader has not taken yet */
	bool ended;
	uint64_t total, limit; /* decoded bytes so far, and how many are too many */
	struct sha256 hash;    /* of the decoded bytes */
	enum { STREAM_PLAIN, STREAM_GZIP, STREAM_ZSTD } kind;
	struct source source;
	struct window window;
	struct gzip gzip;
	struct zstd *zstd;
	/* Called now and then; -1 ends the work. */
	int (*tick)(void *context, const struct stream *stream, struct err *err);
	void *context;
};

struct stream_origin {
	int fd;
	uint64_t offset, length, limit;
};

int stream_open(struct stream *s, const struct stream_origin *origin, struct err *err);
void stream_close(struct stream *s);
/* Makes next..end hold something, or sets `ended`. */
int stream_more(struct stream *s, struct err *err);
/* Copies exactly `len` bytes; fewer are an error. */
int stream_read(struct stream *s, void *to, size_t len, struct err *err);
int stream_skip(struct stream *s, uint64_t len, struct err *err);
/* Decodes and hashes the rest, and the rest of the file. */
int stream_drain(struct stream *s, struct err *err);

static inline size_t stream_has(const struct stream *s) {
	return (size_t)(s->end - s->next);
}

#endif
