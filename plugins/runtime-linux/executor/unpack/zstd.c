/* A Zstandard archive comes in, its content goes out into a window; called by stream.c. Blocks are zstd_literals.c's and zstd_sequences.c's. */
#include "zstd.h"

#include "xxh64.h"
#include "zstd_literals.h"
#include "zstd_sequences.h"

#include <errno.h>
#include <stdlib.h>

#define MAGIC 0xfd2fb528u
#define SKIPPABLE 0x184d2a50u
#define UNKNOWN UINT64_MAX

struct zstd {
	bool inside; /* a frame */
	bool first, last; /* before the first frame; after the last block of one */
	bool checked;
	uint64_t window, content, done; /* of the frame: window size, what the header says, what was decoded */
	struct xxh64 sum;
	struct zstd_literals literals;
	struct zstd_sequences sequences;
};

static int open_frame(struct zstd *z, struct source *in, struct window *out, struct err *err);
static int close_frame(struct zstd *z, struct source *in, struct err *err);
static int block(struct zstd *z, struct source *in, struct window *out, struct err *err);

struct zstd *zstd_begin(void) {
	struct zstd *z = calloc(1, sizeof *z);
	if (z) z->first = true;
	return z;
}

void zstd_free(struct zstd *z) {
	free(z);
}

int zstd_step(struct zstd *z, struct source *in, struct window *out, struct err *err) {
	out->start = out->end;
	while (out->start == out->end) {
		if (!z->inside) {
			int r = open_frame(z, in, out, err);
			if (r) return r;
		}
		if (!z->last && block(z, in, out, err) < 0) return -1;
		if (z->last && close_frame(z, in, err) < 0) return -1;
	}
	return 0;
}

static uint64_t load(const uint8_t *p, unsigned bytes) {
	uint64_t v = 0;
	while (bytes--) v = v << 8 | p[bytes];
	return v;
}

static int require(struct source *in, size_t want, struct err *err) {
	if (source_fill(in, want, err) < 0) return -1;
	return source_has(in) < want ? err_set(err, EBADMSG, "zstd: the archive ends in the middle of a frame") : 0;
}

static int skip_frame(struct source *in, struct err *err) {
	if (require(in, 8, err) < 0) return -1;
	uint64_t left = load(in->next + 4, 4);
	in->next += 8;
	while (left) {
		if (require(in, 1, err) < 0) return -1;
		size_t n = source_has(in) < left ? source_has(in) : (size_t)left;
		in->next += n;
		left -= n;
	}
	return 0;
}

/* Room for the history twice, so that moving it is rare, and for a block. */
static int size_window(struct zstd *z, struct window *out, struct err *err) {
	size_t history = z->window < 1024 ? 1024 : (size_t)z->window, capacity = 2 * history + 2 * ZSTD_BLOCK_MAX;
	if (capacity > out->capacity) {
		uint8_t *grown = malloc(capacity + WINDOW_SLACK);
		if (!grown) return err_set(err, ENOMEM, "zstd: no memory for a window of %zu bytes", history);
		free(out->buffer);
		out->buffer = grown;
		out->capacity = capacity;
	}
	out->history = history;
	out->floor = out->start = out->end = 0;
	return 0;
}

static int read_frame_header(struct zstd *z, struct source *in, struct err *err) {
	static const uint8_t id_sizes[4] = {0, 1, 2, 4}, content_sizes[4] = {0, 2, 4, 8};
	if (require(in, 6, err) < 0) return -1;
	const uint8_t flags = in->next[4];
	const bool single = flags & 0x20;
	unsigned id = id_sizes[flags & 3], content = content_sizes[flags >> 6];
	if (content == 0 && single) content = 1;
	if (flags & 8) return err_set(err, EBADMSG, "zstd: a frame of unknown form");
	if (require(in, 5 + !single + id + content, err) < 0) return -1;
	const uint8_t *p = in->next + 5;
	if (!single) {
		uint64_t base = 1ull << (10 + (*p >> 3));
		z->window = base + base / 8 * (*p++ & 7);
	}
	if (id && load(p, id)) return err_set(err, EBADMSG, "zstd: a frame needs a dictionary");
	p += id;
	z->content = content ? load(p, content) + (content == 2 ? 256 : 0) : UNKNOWN;
	in->next = p + content;
	if (single) z->window = z->content;
	if (z->window > ZSTD_HISTORY_MAX) return err_set(err, EBADMSG, "zstd: a window of more than %u bytes", ZSTD_HISTORY_MAX);
	z->checked = flags & 4;
	return 0;
}

/* 1: no frame follows. */
static int open_frame(struct zstd *z, struct source *in, struct window *out, struct err *err) {
	for (;;) {
		if (source_fill(in, 4, err) < 0) return -1;
		uint32_t magic = source_has(in) < 4 ? 0 : (uint32_t)load(in->next, 4);
		if (magic == MAGIC) break;
		if ((magic & ~15u) != SKIPPABLE) return z->first ? err_set(err, EBADMSG, "zstd: no frame") : 1;
		if (skip_frame(in, err) < 0) return -1;
	}
	if (read_frame_header(z, in, err) < 0 || size_window(z, out, err) < 0) return -1;
	zstd_sequences_reset(&z->sequences);
	z->literals.has_table = false;
	xxh64_init(&z->sum);
	z->done = 0;
	z->inside = true;
	z->first = z->last = false;
	return 0;
}

static int close_frame(struct zstd *z, struct source *in, struct err *err) {
	if (z->content != UNKNOWN && z->content != z->done) return err_set(err, EBADMSG, "zstd: a frame has not the size its header says");
	if (z->checked) {
		if (require(in, 4, err) < 0) return -1;
		if (CHECKSUMS && load(in->next, 4) != (uint32_t)xxh64_value(&z->sum)) return err_set(err, EBADMSG, "zstd: a frame's checksum is wrong");
		in->next += 4;
	}
	z->inside = false;
	return 0;
}

static int compressed(struct zstd *z, const uint8_t *data, size_t size, struct window *out, struct err *err) {
	int64_t n = zstd_literals(&z->literals, data, size, err);
	if (n < 0) return -1;
	return zstd_sequences(&z->sequences, &z->literals, data + n, size - (size_t)n, out, err);
}

static int block(struct zstd *z, struct source *in, struct window *out, struct err *err) {
	enum { RAW, RLE, COMPRESSED };
	if (require(in, 3, err) < 0) return -1;
	uint32_t header = (uint32_t)load(in->next, 3), type = header >> 1 & 3;
	size_t size = header >> 3, stored = type == RLE ? 1 : size, before;
	in->next += 3;
	z->last = header & 1;
	if (type > COMPRESSED || size > ZSTD_BLOCK_MAX) return err_set(err, EBADMSG, "zstd: the header of a block is damaged");
	if (require(in, stored, err) < 0) return -1;
	window_make_room(out, ZSTD_BLOCK_MAX);
	before = out->start = out->end;
	if (type == COMPRESSED && compressed(z, in->next, size, out, err) < 0) return -1;
	if (type == RAW) memcpy(out->buffer + out->end, in->next, size);
	if (type == RLE) memset(out->buffer + out->end, in->next[0], size);
	if (type != COMPRESSED) out->end += size;
	in->next += stored;
	z->done += out->end - before;
	if (z->checked) xxh64_update(&z->sum, out->buffer + before, out->end - before);
	return 0;
}
