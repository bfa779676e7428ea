/* A tar stream comes in, its entries go out one by one; called by unpack.c. Every field is the archive's word, and checked here or by who uses it. */
#include "tar.h"

#include "tar_header.h"
#include "tar_pax.h"
#include "tar_sparse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int skip_padding(struct tar *t, struct err *err);
static int read_header(struct tar *t, uint8_t block[TAR_BLOCK], struct err *err);
static int read_special(struct tar *t, struct err *err);
static int complete(struct tar *t, const uint8_t block[TAR_BLOCK], struct err *err);

void tar_begin(struct tar *t, struct stream *in, uint64_t limit) {
	memset(t, 0, sizeof *t);
	t->in = in;
	t->limit = limit;
}

void tar_free(struct tar *t) {
	free(t->local.data);
	free(t->global.data);
	free(t->segment);
}

int tar_next(struct tar *t, struct err *err) {
	uint8_t block[TAR_BLOCK];
	t->local.len = 0;
	t->long_name[0] = t->long_link[0] = 0;
	for (;;) {
		if (stream_skip(t->in, t->left, err) < 0 || skip_padding(t, err) < 0) return -1;
		t->left = t->padding = 0;
		int end = read_header(t, block, err);
		if (end) return end;
		if (!memchr("xgLK", t->entry.type, 4)) break;
		if (read_special(t, err) < 0) return -1;
	}
	return complete(t, block, err);
}

int tar_data(struct tar *t, uint64_t max, const uint8_t **data, size_t *len, struct err *err) {
    *len = 0;
	if (max > t->left) max = t->left;
	if (!max) return 0;
	if (stream_more(t->in, err) < 0) return -1;
	size_t n = stream_has(t->in);
	if (!n) return err_set(err, EBADMSG, "layer: ends in the middle of an entry");
	if (n > max) n = (size_t)max;
    *data = t->in->next;
    *len = n;
	t->in->next += n;
	t->left -= n;
	return 0;
}

/* Some programs leave the last entry unpadded and write no end. */
static int skip_padding(struct tar *t, struct err *err) {
	while (t->padding) {
		if (stream_more(t->in, err) < 0) return -1;
		size_t n = stream_has(t->in);
		if (!n) return 0;
		if (n > t->padding) n = t->padding;
		t->in->next += n;
		t->padding -= (unsigned)n;
	}
	return 0;
}

static void expect_data(struct tar *t, uint64_t bytes) {
	t->left = bytes;
	t->padding = (unsigned)(-bytes & (TAR_BLOCK - 1));
}

/* 1: the archive ends here, by two blocks of zeros or by ending. */
static int read_header(struct tar *t, uint8_t block[TAR_BLOCK], struct err *err) {
	for (int zeros = 0;; zeros++) {
		if (stream_more(t->in, err) < 0) return -1;
		if (!stream_has(t->in)) return t->headers ? 1 : err_set(err, EBADMSG, "layer: empty, not even an end");
		if (stream_read(t->in, block, TAR_BLOCK, err) < 0) return -1;
		if (!tar_is_zero(block)) {
			if (zeros) return err_set(err, EBADMSG, "layer: an entry behind a block of zeros");
			break;
		}
		if (zeros) return 1;
	}
	if (++t->headers > t->limit) return err_set(err, EFBIG, "layer: more than the %" PRIu64 " entries that are allowed", t->limit);
	return tar_header(block, &t->entry, err);
}

static int read_text(struct tar *t, char to[TAR_PATH_MAX], struct err *err) {
	uint64_t size = t->entry.stored;
	if (size > TAR_PATH_MAX) return err_set(err, EBADMSG, "layer: a long name of more than %d bytes", TAR_PATH_MAX - 1);
	memset(to, 0, TAR_PATH_MAX);
	if (stream_read(t->in, to, size, err) < 0) return -1;
	if (to[TAR_PATH_MAX - 1]) return err_set(err, EBADMSG, "layer: a long name of more than %d bytes", TAR_PATH_MAX - 1);
	if (size && memchr(to, 0, size) && strlen(to) + 1 < size) return err_set(err, EBADMSG, "layer: a long name holds a NUL");
	t->padding = (unsigned)(-size & (TAR_BLOCK - 1));
	return 0;
}

/* A later global header adds to the earlier ones; a local one replaces. */
static int read_pax(struct tar *t, struct pax_text *text, size_t limit, struct err *err) {
	uint64_t size = t->entry.stored;
	if (size > limit - text->len) return err_set(err, EFBIG, "layer: PAX headers of more than %zu bytes", limit);
	if (!text->data && !(text->data = malloc(limit))) return err_set(err, ENOMEM, "layer: no memory for a PAX header");
	if (stream_read(t->in, text->data + text->len, size, err) < 0) return -1;
	text->len += size;
	t->padding = (unsigned)(-size & (TAR_BLOCK - 1));
	return 0;
}

static int read_special(struct tar *t, struct err *err) {
	switch (t->entry.type) {
	case 'L': return read_text(t, t->long_name, err);
	case 'K': return read_text(t, t->long_link, err);
	case 'g': return read_pax(t, &t->global, TAR_GLOBAL_MAX, err);
	default: t->local.len = 0; return read_pax(t, &t->local, TAR_PAX_MAX, err);
	}
}

/* One of the seven kinds, whatever the archive calls it. */
static int normal_type(struct tar_entry *e, struct err *err) {
	size_t n = strlen(e->name);
	switch (e->type) {
	case 0: e->type = n && e->name[n - 1] == '/' ? '5' : '0'; return 0;
	case '7':
	case 'S': e->type = '0'; return 0;
	case 'D': e->type = '5'; return 0;
	case '0': case '1': case '2': case '3': case '4': case '5': case '6': return 0;
	default: return err_set(err, EBADMSG, "layer: header field typeflag is 0x%02x, which is no kind of file", (unsigned char)e->type);
	}
}

static int complete(struct tar *t, const uint8_t block[TAR_BLOCK], struct err *err) {
	struct tar_entry *e = &t->entry;
	bool old_sparse = e->type == 'S', dump = e->type == 'D';
	sparse_reset(t);
	if (old_sparse && sparse_old(t, block, err) < 0) return -1;
	if (t->long_name[0]) memcpy(e->name, t->long_name, TAR_PATH_MAX);
	if (t->long_link[0]) memcpy(e->link, t->long_link, TAR_PATH_MAX);
	if (pax_apply(&t->global, t, err) < 0 || pax_apply(&t->local, t, err) < 0) return -1;
	if (normal_type(e, err) < 0) return -1;
	/* Links, devices and folders have no data, whatever their size says. */
	if (e->type != '0' && !dump) e->stored = 0;
	if (e->stored > INT64_MAX - TAR_BLOCK) return err_set(err, EBADMSG, "layer: header field size is too large");
	e->size = e->type == '0' ? e->stored : 0;
	expect_data(t, e->stored);
	return e->type == '0' ? sparse_finish(t, err) : 0;
}
