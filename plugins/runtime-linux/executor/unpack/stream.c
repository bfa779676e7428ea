/* An archive comes in, the tar stream within goes out; called by the tar reader. */
#include "stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GZIP_CAPACITY (INFLATE_HISTORY + 256 * 1024)

static int decode(struct stream *s, struct err *err);
static int no_garbage(struct source *in, struct err *err);

int stream_open(struct stream *s, const struct stream_origin *origin, struct err *err) {
	static const uint8_t zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
	memset(&s->window, 0, sizeof s->window);
	s->next = s->end = NULL;
	s->ended = false;
	s->total = 0;
	s->limit = origin->limit;
	s->zstd = NULL;
	sha256_init(&s->hash);
	if (source_open(&s->source, origin->fd, origin->offset, origin->length, err) < 0) return -1;
	if (source_fill(&s->source, 4, err) < 0) return -1;
	const uint8_t *head = s->source.next;
	s->kind = STREAM_PLAIN;
	if (source_has(&s->source) < 4) return 0;
	if (head[0] == 0x1f && head[1] == 0x8b) {
		s->kind = STREAM_GZIP;
		gzip_begin(&s->gzip);
		s->window = (struct window){.buffer = malloc(GZIP_CAPACITY + WINDOW_SLACK), .capacity = GZIP_CAPACITY, .history = INFLATE_HISTORY};
		if (!s->window.buffer) return err_set(err, ENOMEM, "archive: no memory for decoding");
	} else if (memcmp(head, zstd, 4) == 0 || ((head[0] & 0xf0) == 0x50 && memcmp(head + 1, "\x2a\x4d\x18", 3) == 0)) {
		s->kind = STREAM_ZSTD;
		s->zstd = zstd_begin();
		if (!s->zstd) return err_set(err, ENOMEM, "archive: no memory for decoding");
	}
	return 0;
}

void stream_close(struct stream *s) {
	free(s->window.buffer);
	if (s->zstd) zstd_free(s->zstd);
}

int stream_more(struct stream *s, struct err *err) {
	while (s->next == s->end && !s->ended) {
		if (decode(s, err) < 0) return -1;
		size_t n = stream_has(s);
		sha256_update(&s->hash, s->next, n);
		s->total += n;
		if (s->total > s->limit) return err_set(err, EFBIG, "layer: more than the %" PRIu64 " bytes that are allowed", s->limit);
		if (s->tick && s->tick(s->context, s, err) < 0) return -1;
	}
	return 0;
}

static int decode(struct stream *s, struct err *err) {
	int r;
	if (s->kind == STREAM_PLAIN) {
		if (source_fill(&s->source, 1, err) < 0) return -1;
		s->next = s->source.next;
		s->end = s->source.next = s->source.end;
		s->ended = s->next == s->end;
		return 0;
	}
	if (s->kind == STREAM_GZIP) {
		window_make_room(&s->window, s->window.capacity - s->window.history);
		s->window.start = s->window.end;
		r = gzip_step(&s->gzip, &s->source, &s->window, err);
	} else {
		r = zstd_step(s->zstd, &s->source, &s->window, err);
	}
	if (r < 0) return -1;
	s->next = s->window.buffer + s->window.start;
	s->end = s->window.buffer + s->window.end;
	if (r == 1 && no_garbage(&s->source, err) < 0) return -1;
	s->ended = r == 1;
	return 0;
}

/* Behind the compressed stream only zeros may follow, as tapes have them. */
static int no_garbage(struct source *in, struct err *err) {
	for (;;) {
		if (source_fill(in, 1, err) < 0) return -1;
		if (!source_has(in)) return 0;
		while (in->next < in->end)
			if (*in->next++) return err_set(err, EBADMSG, "archive: something follows the end of the compressed stream");
	}
}

int stream_read(struct stream *s, void *to, size_t len, struct err *err) {
	uint8_t *out = to;
	while (len) {
		if (stream_more(s, err) < 0) return -1;
		size_t n = stream_has(s);
		if (!n) return err_set(err, EBADMSG, "layer: ends in the middle of an entry");
		if (n > len) n = len;
		memcpy(out, s->next, n);
		s->next += n;
		out += n;
		len -= n;
	}
	return 0;
}

int stream_skip(struct stream *s, uint64_t len, struct err *err) {
	while (len) {
		if (stream_more(s, err) < 0) return -1;
		size_t n = stream_has(s);
		if (!n) return err_set(err, EBADMSG, "layer: ends in the middle of an entry");
		if (n > len) n = (size_t)len;
		s->next += n;
		len -= n;
	}
	return 0;
}

int stream_drain(struct stream *s, struct err *err) {
	do {
		s->next = s->end;
		if (stream_more(s, err) < 0) return -1;
	} while (stream_has(s));
	return source_drain(&s->source, err);
}
