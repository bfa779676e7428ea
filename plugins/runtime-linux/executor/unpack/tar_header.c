/* A header block comes in, the fields of an entry go out; called by the tar reader. */
#include "tar_header.h"

#include <errno.h>
#include <string.h>

enum { NAME = 0, MODE = 100, UID = 108, GID = 116, SIZE = 124, MTIME = 136, SUM = 148, TYPE = 156, LINK = 157, MAGIC = 257, MAJOR = 329, MINOR = 337, PREFIX = 345 };

static int checksum(const uint8_t *block, struct err *err);
static int names(const uint8_t *block, struct tar_entry *e);

int tar_header(const uint8_t block[TAR_BLOCK], struct tar_entry *e, struct err *err) {
	int64_t mode, uid, gid, size, mtime, major = 0, minor = 0;
	if (checksum(block, err) < 0) return -1;
	names(block, e);
	e->type = (char)block[TYPE];
	if (tar_number(block + MODE, 8, &mode) < 0) return err_set(err, EBADMSG, "layer: header field mode is no number");
	if (tar_number(block + UID, 8, &uid) < 0) return err_set(err, EBADMSG, "layer: header field uid is no number");
	if (tar_number(block + GID, 8, &gid) < 0) return err_set(err, EBADMSG, "layer: header field gid is no number");
	if (tar_number(block + SIZE, 12, &size) < 0 || size < 0) return err_set(err, EBADMSG, "layer: header field size is no number");
	if (tar_number(block + MTIME, 12, &mtime) < 0) return err_set(err, EBADMSG, "layer: header field mtime is no number");
	if (e->type == '3' || e->type == '4') {
		if (tar_number(block + MAJOR, 8, &major) < 0) return err_set(err, EBADMSG, "layer: header field devmajor is no number");
		if (tar_number(block + MINOR, 8, &minor) < 0) return err_set(err, EBADMSG, "layer: header field devminor is no number");
	}
	e->mode = (mode_t)(mode & 07777);
	e->uid = (uint64_t)uid;
	e->gid = (uint64_t)gid;
	e->stored = e->size = (uint64_t)size;
	e->mtime = (struct timespec){.tv_sec = mtime};
	e->major = (uint64_t)major;
	e->minor = (uint64_t)minor;
	e->sparse = false;
	e->segments = e->xattrs = 0;
	return 0;
}

bool tar_is_zero(const uint8_t block[TAR_BLOCK]) {
	return block[0] == 0 && memcmp(block, block + 1, TAR_BLOCK - 1) == 0;
}

int tar_number(const uint8_t *field, size_t len, int64_t *value) {
	uint64_t v = 0;
	size_t i = 0;
	if (field[0] & 0x80) {
		/* Two's complement, big-endian, below the marking bit; the second highest bit is the sign. */
		bool negative = field[0] & 0x40;
		v = negative ? ~0ull : 0;
		for (; i < len; i++) {
			uint8_t byte = i == 0 ? (uint8_t)(field[0] & 0x7f) | (negative ? 0x80 : 0) : field[i];
			if (v >> 55 != (negative ? 0x1ff : 0)) return -1;
			v = v << 8 | byte;
		}
        *value = (int64_t)v;
		return 0;
	}
	while (i < len && field[i] == ' ') i++;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++) v = v << 3 | (uint64_t)(field[i] - '0');
	for (; i < len; i++)
		if (field[i] != ' ' && field[i] != 0) return -1;
    *value = (int64_t)v;
	return 0;
}

/* The sum of all bytes, the field itself as blanks; some old programs added signed bytes. */
static int checksum(const uint8_t *block, struct err *err) {
	int64_t wanted, plain = 0, with_sign = 0;
	if (tar_number(block + SUM, 8, &wanted) < 0) return err_set(err, EBADMSG, "layer: header field checksum is no number");
	for (int i = 0; i < TAR_BLOCK; i++) {
		uint8_t byte = i >= SUM && i < SUM + 8 ? ' ' : block[i];
		plain += byte;
		with_sign += (int8_t)byte;
	}
	if (CHECKSUMS && wanted != plain && wanted != with_sign) return err_set(err, EBADMSG, "layer: header field checksum does not match");
	return 0;
}

/* A field's text ends at its NUL, or where the field does. */
static size_t field_text(char *to, const uint8_t *field, size_t max) {
	size_t n = strnlen((const char *)field, max);
	memcpy(to, field, n);
	to[n] = 0;
	return n;
}

static int names(const uint8_t *block, struct tar_entry *e) {
	size_t n = 0;
	/* Only POSIX headers have a prefix; GNU's ("ustar ") have times and sparse maps in its place. */
	if (memcmp(block + MAGIC, "ustar", 6) == 0 && block[PREFIX]) {
		n = field_text(e->name, block + PREFIX, 155);
		e->name[n++] = '/';
	}
	field_text(e->name + n, block + NAME, 100);
	field_text(e->link, block + LINK, 100);
	return 0;
}
