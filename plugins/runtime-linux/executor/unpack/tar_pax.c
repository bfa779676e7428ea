/* The records of a PAX header come in, an entry's fields go out changed; called by the tar reader, for the global header first. */
#include "tar_pax.h"

#include "tar_sparse.h"

#include <errno.h>
#include <string.h>

struct record {
	const char *key;
	size_t key_len;
	const uint8_t *value;
	size_t len;
};

static int next_record(const struct pax_text *text, size_t *at, struct record *r);
static int apply(const struct record *r, struct tar *t, struct err *err);

int pax_apply(const struct pax_text *text, struct tar *t, struct err *err) {
	struct record r;
	size_t at = 0;
	while (at < text->len) {
		if (next_record(text, &at, &r) < 0) return err_set(err, EBADMSG, "layer: a PAX record is malformed");
		if (apply(&r, t, err) < 0) return -1;
	}
	return 0;
}

/* "<length> <key>=<value>\n", the length counting the whole record. */
static int next_record(const struct pax_text *text, size_t *at, struct record *r) {
	const uint8_t *p = text->data + *at, *end = text->data + text->len;
	size_t length = 0;
	const uint8_t *digits = p;
	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		length = length * 10 + (size_t)(*p - '0');
		if (length > text->len) return -1;
	}
	if (p == digits || p == end || *p != ' ' || length > text->len - *at) return -1;
	end = text->data + *at + length;
	if (end <= p + 1 || end[-1] != '\n') return -1;
	p++;
	const uint8_t *equals = memchr(p, '=', (size_t)(end - p));
	if (!equals || equals == p) return -1;
	r->key = (const char *)p;
	r->key_len = (size_t)(equals - p);
	r->value = equals + 1;
	r->len = (size_t)(end - 1 - r->value);
    *at += length;
	return memchr(r->key, 0, r->key_len) ? -1 : 0;
}

static bool is(const struct record *r, const char *key) {
	return strlen(key) == r->key_len && memcmp(r->key, key, r->key_len) == 0;
}

static int copy_path(const struct record *r, char *to, struct err *err) {
	if (r->len >= TAR_PATH_MAX) return err_set(err, EBADMSG, "layer: PAX record %.*s is longer than %d bytes", (int)r->key_len, r->key, TAR_PATH_MAX - 1);
	if (memchr(r->value, 0, r->len)) return err_set(err, EBADMSG, "layer: PAX record %.*s holds a NUL", (int)r->key_len, r->key);
	memcpy(to, r->value, r->len);
	to[r->len] = 0;
	return 0;
}

static int decimal(const struct record *r, uint64_t *to, struct err *err) {
	uint64_t v = 0;
	size_t i = 0;
	for (; i < r->len && r->value[i] >= '0' && r->value[i] <= '9'; i++) {
		if (v > (INT64_MAX - 9) / 10) break;
		v = v * 10 + (uint64_t)(r->value[i] - '0');
	}
	if (i == 0 || i < r->len) return err_set(err, EBADMSG, "layer: PAX record %.*s is no number, or too large a one", (int)r->key_len, r->key);
    *to = v;
	return 0;
}

/* Seconds, perhaps negative, with as many decimals as there are; nanoseconds count towards the future. */
static int seconds(const struct record *r, struct timespec *to, struct err *err) {
	size_t i = 0;
	bool negative = r->len && r->value[0] == '-';
	int64_t sec = 0, nsec = 0, unit = 100000000;
	for (i = negative; i < r->len && r->value[i] >= '0' && r->value[i] <= '9'; i++) {
		if (sec > (INT64_MAX - 10) / 10) break;
		sec = sec * 10 + (r->value[i] - '0');
	}
	bool digits = i > (size_t)negative;
	if (i < r->len && r->value[i] == '.')
		for (i++; i < r->len && r->value[i] >= '0' && r->value[i] <= '9'; i++, unit /= 10) nsec += unit * (r->value[i] - '0');
	if (!digits || i < r->len) return err_set(err, EBADMSG, "layer: PAX record %.*s is no time", (int)r->key_len, r->key);
	if (negative && nsec) {
		sec++;
		nsec = 1000000000 - nsec;
	}
    *to = (struct timespec){.tv_sec = negative ? -sec : sec, .tv_nsec = nsec};
	return 0;
}

static int xattr(const struct record *r, struct tar_entry *e, struct err *err) {
	static const size_t prefix = sizeof "SCHILY.xattr." - 1;
	struct tar_xattr x = {.name = r->key + prefix, .name_len = r->key_len - prefix, .value = r->value, .value_len = r->len};
	for (uint32_t i = 0; i < e->xattrs; i++)
		if (e->xattr[i].name_len == x.name_len && memcmp(e->xattr[i].name, x.name, x.name_len) == 0) {
			e->xattr[i] = x;
			return 0;
		}
	if (e->xattrs == TAR_XATTRS_MAX) return err_set(err, EBADMSG, "layer: more than %d extended attributes on one entry", TAR_XATTRS_MAX);
	e->xattr[e->xattrs++] = x;
	return 0;
}

static int apply(const struct record *r, struct tar *t, struct err *err) {
	struct tar_entry *e = &t->entry;
	if (r->key_len > 13 && memcmp(r->key, "SCHILY.xattr.", 13) == 0) return xattr(r, e, err);
	if (r->key_len > 11 && memcmp(r->key, "GNU.sparse.", 11) == 0) {
		if (is(r, "GNU.sparse.name")) return copy_path(r, e->name, err);
		return sparse_record(t, r->key + 11, r->key_len - 11, (const char *)r->value, r->len, err);
	}
	if (r->len == 0) return 0; /* "as the header has it" */
	if (is(r, "path")) return copy_path(r, e->name, err);
	if (is(r, "linkpath")) return copy_path(r, e->link, err);
	if (is(r, "size")) return decimal(r, &e->stored, err);
	if (is(r, "uid")) return decimal(r, &e->uid, err);
	if (is(r, "gid")) return decimal(r, &e->gid, err);
	if (is(r, "mtime")) return seconds(r, &e->mtime, err);
	return 0;
}
