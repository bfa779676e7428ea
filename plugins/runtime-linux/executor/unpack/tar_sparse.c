/* Headers of sparse files come in, the list of their segments goes out, checked; called by the tar reader. */
#include "tar_sparse.h"

#include "tar_header.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { OLD_MAP = 386, OLD_MORE = 482, OLD_SIZE = 483, NEXT_MORE = 504 };

static int add(struct tar *t, uint64_t offset, uint64_t length, struct err *err);
static int number(const char **at, const char *end, uint64_t *value, struct err *err);
static int list(struct tar *t, const char *value, size_t len, struct err *err);
static int map_in_data(struct tar *t, struct err *err);

void sparse_reset(struct tar *t) {
	memset(&t->pax_sparse, 0, sizeof t->pax_sparse);
	t->entry.sparse = false;
	t->entry.segments = 0;
}

int sparse_record(struct tar *t, const char *key, size_t key_len, const char *value, size_t len, struct err *err) {
	const char *at = value, *end = value + len;
	uint64_t n = 0;
	if (key_len == 3 && memcmp(key, "map", 3) == 0) return list(t, value, len, err);
	if (number(&at, end, &n, err) < 0) return -1;
	if (at != end) return err_set(err, EBADMSG, "layer: PAX record GNU.sparse.%.*s is no number", (int)key_len, key);
	if (key_len == 5 && memcmp(key, "major", 5) == 0) {
		t->pax_sparse.major = n;
	} else if ((key_len == 4 && memcmp(key, "size", 4) == 0) || (key_len == 8 && memcmp(key, "realsize", 8) == 0)) {
		t->pax_sparse.real = n;
		t->pax_sparse.has_real = true;
	} else if (key_len == 6 && memcmp(key, "offset", 6) == 0) {
		t->pax_sparse.offset = n;
		t->pax_sparse.has_offset = true;
	} else if (key_len == 8 && memcmp(key, "numbytes", 8) == 0) {
		if (!t->pax_sparse.has_offset) return err_set(err, EBADMSG, "layer: PAX record GNU.sparse.numbytes without an offset");
		t->pax_sparse.has_offset = false;
		return add(t, t->pax_sparse.offset, n, err);
	}
	return 0;
}

static int old_segments(struct tar *t, const uint8_t *field, int count, struct err *err) {
	for (int i = 0; i < count && field[0]; i++, field += 24) {
		int64_t offset, length;
		if (tar_number(field, 12, &offset) < 0 || tar_number(field + 12, 12, &length) < 0 || offset < 0 || length < 0)
			return err_set(err, EBADMSG, "layer: the sparse map of a header is no list of numbers");
		if (add(t, (uint64_t)offset, (uint64_t)length, err) < 0) return -1;
	}
	return 0;
}

int sparse_old(struct tar *t, const uint8_t block[TAR_BLOCK], struct err *err) {
	int64_t real;
	uint8_t next[TAR_BLOCK];
	if (tar_number(block + OLD_SIZE, 12, &real) < 0 || real < 0) return err_set(err, EBADMSG, "layer: header field realsize is no number");
	if (old_segments(t, block + OLD_MAP, 4, err) < 0) return -1;
	for (bool more = block[OLD_MORE]; more; more = next[NEXT_MORE]) {
		if (stream_read(t->in, next, sizeof next, err) < 0) return -1;
		if (old_segments(t, next, 21, err) < 0) return -1;
	}
	t->entry.sparse = true;
	t->pax_sparse.real = (uint64_t)real;
	t->pax_sparse.has_real = true;
	return 0;
}

int sparse_finish(struct tar *t, struct err *err) {
	struct tar_entry *e = &t->entry;
	uint64_t end = 0, sum = 0;
	if (t->pax_sparse.major > 1) return err_set(err, EBADMSG, "layer: PAX record GNU.sparse.major is of a version that does not exist");
	if (t->pax_sparse.major == 1 && map_in_data(t, err) < 0) return -1;
	if (!e->sparse) return 0;
	if (!t->pax_sparse.has_real) return err_set(err, EBADMSG, "layer: a sparse file without its size");
	e->size = t->pax_sparse.real;
	for (uint32_t i = 0; i < e->segments; i++) {
		struct tar_segment s = t->segment[i];
		if (s.offset < end || s.length > INT64_MAX - s.offset || s.offset + s.length > e->size)
			return err_set(err, EBADMSG, "layer: the map of a sparse file overlaps or leaves the file");
		end = s.offset + s.length;
		sum += s.length;
	}
	if (sum != t->left) return err_set(err, EBADMSG, "layer: the map of a sparse file does not match its data");
	return 0;
}

static int add(struct tar *t, uint64_t offset, uint64_t length, struct err *err) {
	if (t->entry.segments == t->segment_room) {
		uint32_t room = t->segment_room ? 2 * t->segment_room : 64;
		if (room > TAR_SEGMENTS_MAX) return err_set(err, EFBIG, "layer: a sparse file of more than %u segments", TAR_SEGMENTS_MAX);
		struct tar_segment *grown = realloc(t->segment, room * sizeof *grown);
		if (!grown) return err_set(err, ENOMEM, "layer: no memory for the map of a sparse file");
		t->segment = grown;
		t->segment_room = room;
	}
	t->segment[t->entry.segments++] = (struct tar_segment){offset, length};
	t->entry.sparse = true;
	return 0;
}

static int number(const char **at, const char *end, uint64_t *value, struct err *err) {
	const char *p = *at;
	uint64_t v = 0;
	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		if (v > (INT64_MAX - 9) / 10) return err_set(err, EBADMSG, "layer: a number in a sparse map is too large");
		v = v * 10 + (uint64_t)(*p - '0');
	}
	if (p == *at) return err_set(err, EBADMSG, "layer: a number is missing in a sparse map");
    *at = p;
    *value = v;
	return 0;
}

/* PAX 0.1: "offset,length,offset,length..." */
static int list(struct tar *t, const char *value, size_t len, struct err *err) {
	const char *at = value, *end = value + len;
	t->entry.segments = 0;
	t->entry.sparse = true;
	while (at < end) {
		uint64_t offset, length;
		if (number(&at, end, &offset, err) < 0) return -1;
		if (at == end || *at++ != ',') return err_set(err, EBADMSG, "layer: PAX record GNU.sparse.map is malformed");
		if (number(&at, end, &length, err) < 0) return -1;
		if (at < end && *at++ != ',') return err_set(err, EBADMSG, "layer: PAX record GNU.sparse.map is malformed");
		if (add(t, offset, length, err) < 0) return -1;
	}
	return 0;
}

struct lines {
	uint8_t block[TAR_BLOCK];
	size_t at;
};

/* The next line's number; takes whole blocks from the entry's data. */
static int line(struct tar *t, struct lines *l, uint64_t *value, struct err *err) {
	uint64_t v = 0;
	for (int digits = 0;; digits++) {
		if (l->at == TAR_BLOCK) {
			if (t->left < TAR_BLOCK) return err_set(err, EBADMSG, "layer: the map of a sparse file is longer than its data");
			if (stream_read(t->in, l->block, TAR_BLOCK, err) < 0) return -1;
			t->left -= TAR_BLOCK;
			l->at = 0;
		}
		uint8_t c = l->block[l->at++];
		if (c == '\n' && digits) break;
		if (c < '0' || c > '9' || v > (INT64_MAX - 9) / 10) return err_set(err, EBADMSG, "layer: the map of a sparse file is no list of numbers");
		v = v * 10 + (uint64_t)(c - '0');
	}
    *value = v;
	return 0;
}

/* PAX 1.0: the count, then offset and length of each, a number a line, padded to a block. */
static int map_in_data(struct tar *t, struct err *err) {
	struct lines l = {.at = TAR_BLOCK};
	uint64_t count, offset, length;
	t->entry.segments = 0;
	t->entry.sparse = true;
	if (line(t, &l, &count, err) < 0) return -1;
	if (count > TAR_SEGMENTS_MAX) return err_set(err, EFBIG, "layer: a sparse file of more than %u segments", TAR_SEGMENTS_MAX);
	while (count--) {
		if (line(t, &l, &offset, err) < 0 || line(t, &l, &length, err) < 0) return -1;
		if (add(t, offset, length, err) < 0) return -1;
	}
	return 0;
}
