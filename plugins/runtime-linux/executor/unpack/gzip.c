/* A gzip file comes in, its content goes out into a window; called by stream.c. */
#include "gzip.h"

#include "crc32.h"

#include <errno.h>

#define FLAG_CRC 2
#define FLAG_EXTRA 4
#define FLAG_NAME 8
#define FLAG_COMMENT 16
#define HEADER_MAX 65536

static int open_member(struct gzip *g, struct source *in, struct window *out, struct err *err);
static int close_member(struct gzip *g, struct source *in, struct err *err);

void gzip_begin(struct gzip *g) {
	g->inside = false;
	g->first = true;
}

int gzip_step(struct gzip *g, struct source *in, struct window *out, struct err *err) {
	for (;;) {
		if (!g->inside) {
			int r = open_member(g, in, out, err);
			if (r) return r;
		}
		size_t before = out->end;
		int r = inflate_step(&g->inflate, in, out, err);
		if (r < 0) return -1;
		g->crc = crc32_update(g->crc, out->buffer + before, out->end - before);
		g->size += (uint32_t)(out->end - before);
		if (r == 0) return 0;
		if (close_member(g, in, err) < 0) return -1;
	}
}

static int fill_header(struct source *in, size_t want, struct err *err) {
	if (want > HEADER_MAX) return err_set(err, EBADMSG, "gzip: a member's header is longer than %d bytes", HEADER_MAX);
	if (source_fill(in, want, err) < 0) return -1;
	return source_has(in) < want ? err_set(err, EBADMSG, "gzip: the archive ends in a member's header") : 0;
}

/* Where a text that begins at `at` ends, its NUL included. */
static int skip_text(struct source *in, size_t *at, struct err *err) {
	do {
		if (fill_header(in, *at + 1, err) < 0) return -1;
	} while (in->next[(*at)++]);
	return 0;
}

/* 1: no member follows. What follows the last member and is none itself (padding) is passed over, as gzip does. */
static int open_member(struct gzip *g, struct source *in, struct window *out, struct err *err) {
	if (source_fill(in, 2, err) < 0) return -1;
	if (source_has(in) < 2 || in->next[0] != 0x1f || in->next[1] != 0x8b) {
		if (g->first) return err_set(err, EBADMSG, "gzip: no member");
		return 1;
	}
	if (fill_header(in, 10, err) < 0) return -1;
	uint8_t flags = in->next[3];
	size_t at = 10;
	if (in->next[2] != 8 || flags & 0xe0) return err_set(err, EBADMSG, "gzip: a member of unknown form");
	if (flags & FLAG_EXTRA) {
		if (fill_header(in, at + 2, err) < 0) return -1;
		at += 2u + in->next[at] + 256u * in->next[at + 1];
		if (fill_header(in, at, err) < 0) return -1;
	}
	if (flags & FLAG_NAME && skip_text(in, &at, err) < 0) return -1;
	if (flags & FLAG_COMMENT && skip_text(in, &at, err) < 0) return -1;
	if (flags & FLAG_CRC) {
		if (fill_header(in, at + 2, err) < 0) return -1;
		uint32_t crc = crc32_update(0, in->next, at) & 0xffff;
		if (CHECKSUMS && crc != in->next[at] + 256u * in->next[at + 1]) return err_set(err, EBADMSG, "gzip: a member's header is damaged");
		at += 2;
	}
	in->next += at;
	out->floor = out->end;
	inflate_begin(&g->inflate);
	g->crc = g->size = 0;
	g->inside = true;
	g->first = false;
	return 0;
}

static uint32_t load32(const uint8_t *p) {
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int close_member(struct gzip *g, struct source *in, struct err *err) {
	if (source_fill(in, 8, err) < 0) return -1;
	if (source_has(in) < 8) return err_set(err, EBADMSG, "gzip: the archive ends before a member's checksum");
	if (CHECKSUMS && (load32(in->next) != g->crc || load32(in->next + 4) != g->size)) return err_set(err, EBADMSG, "gzip: a member's checksum is wrong");
	in->next += 8;
	g->inside = false;
	return 0;
}
