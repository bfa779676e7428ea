/* Reads the image's own /etc/passwd and /etc/group, which are hostile: a `name:group` comes in, ids, groups and a home go out.
 * Called by the `user` step; allocates nothing. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "step.h"
#include "sys.h"
#include "util.h"

enum { LINE = 4096, FILE_LIMIT = 16 * 1024 * 1024, NO_ID = -1 };

/* Lines of one file; those longer than the array are passed over. */
struct lines {
	int fd;
	char data[LINE];
	size_t start, end, total;
	bool skip;
};

static bool is_regular(int fd) {
	struct stat info;

	return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

static int lines_open(struct ctx *ctx, struct lines *lines, const char *path) {
	struct err ignored = ERR_INIT;
	autofd look = inside_open(ctx, path, O_PATH, 0, &ignored);

	*lines = (struct lines){ .fd = -1 };
	/* Looked at before, so that no device is opened, and after, because the name may have been given away meanwhile. */
	if (look < 0 || !is_regular(look)) return -1;
	lines->fd = inside_open(ctx, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &ignored);
	if (lines->fd >= 0 && is_regular(lines->fd)) return 0;
	fd_close(&lines->fd);
	return -1;
}

static bool lines_fill(struct lines *lines) {
	ssize_t got;

	memmove(lines->data, lines->data + lines->start, lines->end - lines->start);
	lines->end -= lines->start;
	lines->start = 0;
	if (lines->end == sizeof lines->data) {
		lines->skip = true;
		lines->end = 0;
	}
	got = lines->total > FILE_LIMIT ? 0 : read(lines->fd, lines->data + lines->end, sizeof lines->data - lines->end);
	if (got <= 0) return false;
	lines->end += (size_t)got;
	lines->total += (size_t)got;
	return true;
}

/* What stands behind the last newline; NULL where there is nothing, or only a part of something longer. */
static char *lines_rest(struct lines *lines) {
	if (lines->skip || lines->total > FILE_LIMIT || lines->start == lines->end || lines->end == sizeof lines->data) return NULL;
	lines->data[lines->end] = 0;
	lines->start = lines->end;
	return lines->data;
}

/* The next line, ended by NUL; NULL at the end. */
static char *lines_next(struct lines *lines) {
	for (;;) {
		char *line = lines->data + lines->start, *end = memchr(line, '\n', lines->end - lines->start);

		if (!end) {
			if (!lines_fill(lines)) return lines_rest(lines);
			continue;
		}
		lines->start = (size_t)(end - lines->data) + 1;
		*end = 0;
		if (!lines->skip) return line;
		lines->skip = false;
	}
}

/* Cuts a line at its colons; true when it has all the fields. */
static bool split(char *line, char **fields, int count) {
	for (int i = 0; i < count; i++) {
		fields[i] = line;
		line = strchr(line, ':');
		if (!line) return i == count - 1;
		*line++ = 0;
	}
	return true;
}

/* A plain decimal number up to 2^31-1; NO_ID for anything else. */
static int64_t number_of(const char *text) {
	int64_t number = 0;

	if (!*text || strlen(text) > 10) return NO_ID;
	for (; *text; text++) {
		if (*text < '0' || *text > '9') return NO_ID;
		number = number * 10 + *text - '0';
	}
	return number > INT32_MAX ? NO_ID : number;
}

/* With or without a sign; a signed one is a number that is out of range. */
static bool is_numeric(const char *text) {
	if (*text == '+' || *text == '-') text++;
	return *text && text[strspn(text, "0123456789")] == 0;
}

/* Finds by name, or by `uid` when `name` is NULL. */
static bool find_user(struct ctx *ctx, const char *name, uint32_t uid, struct identity *out, char *found, size_t cap) {
	struct lines lines;
	bool hit = false;
	char *line, *field[6];

	if (lines_open(ctx, &lines, "/etc/passwd") < 0) return false;
	while (!hit && (line = lines_next(&lines))) {
		if (!split(line, field, 6) || number_of(field[2]) < 0 || number_of(field[3]) < 0) continue;
		if (name ? strcmp(field[0], name) != 0 : number_of(field[2]) != (int64_t)uid) continue;
		hit = true;
		out->uid = (uint32_t)number_of(field[2]);
		out->gid = (uint32_t)number_of(field[3]);
		if (field[5][0] == '/' && strlen(field[5]) < sizeof out->home) memcpy(out->home, field[5], strlen(field[5]) + 1);
		if (strlen(field[0]) < cap) memcpy(found, field[0], strlen(field[0]) + 1);
	}
	fd_close(&lines.fd);
	return hit;
}

static bool is_member(char *members, const char *user) {
	for (char *name = strtok_r(members, ",", &members); name; name = strtok_r(NULL, ",", &members))
		if (strcmp(name, user) == 0) return true;
	return false;
}

static bool find_group(struct ctx *ctx, const char *name, uint32_t *gid) {
	struct lines lines;
	bool hit = false;
	char *line, *field[3];

	if (lines_open(ctx, &lines, "/etc/group") < 0) return false;
	while (!hit && (line = lines_next(&lines))) {
		if (!split(line, field, 3) || strcmp(field[0], name) != 0 || number_of(field[2]) < 0) continue;
		hit = true;
		*gid = (uint32_t)number_of(field[2]);
	}
	fd_close(&lines.fd);
	return hit;
}

static void find_memberships(struct ctx *ctx, const char *user, struct identity *out) {
	struct lines lines;
	char *line, *field[4];

	if (lines_open(ctx, &lines, "/etc/group") < 0) return;
	while (out->count < 64 && (line = lines_next(&lines))) {
		if (!split(line, field, 4) || number_of(field[2]) < 0 || !is_member(field[3], user)) continue;
		out->groups[out->count++] = (uint32_t)number_of(field[2]);
	}
	fd_close(&lines.fd);
}

/* A number is one always, in range or not: as a name the image could give it any uid, 0 too. */
static int set_user(struct ctx *ctx, const char *user, struct identity *out, char *found, size_t cap, struct err *err) {
	if (!is_numeric(user)) return find_user(ctx, user, 0, out, found, cap) ? 0 : err_set(err, ENOENT, "there is no user %.60s in the image", user);
	if (number_of(user) < 0) return err_set(err, EINVAL, "user %.60s is out of range", user);
	out->uid = (uint32_t)number_of(user);
	/* A number without a line in passwd belongs to group 0, as Docker has it. */
	out->gid = 0;
	(void)find_user(ctx, NULL, out->uid, out, found, cap);
	return 0;
}

int identity_find(struct ctx *ctx, const char *text, struct identity *out, struct err *err) {
	char user[256], found[256] = "", *group;

	if (strlen(text) >= sizeof user) return err_set(err, EINVAL, "the user's name is too long");
	memcpy(user, text, strlen(text) + 1);
	group = strchr(user, ':');
	if (group) *group++ = 0;
	if (set_user(ctx, *user ? user : "0", out, found, sizeof found, err) < 0) return -1;
	if (!group || !*group) {
		if (*found) find_memberships(ctx, found, out);
		return 0;
	}
	if (!is_numeric(group)) return find_group(ctx, group, &out->gid) ? 0 : err_set(err, ENOENT, "there is no group %.60s in the image", group);
	if (number_of(group) < 0) return err_set(err, EINVAL, "group %.60s is out of range", group);
	out->gid = (uint32_t)number_of(group);
	return 0;
}

int identity_home(struct ctx *ctx, struct identity *identity) {
	struct identity found = { 0 };
	char name[256] = "";

	if (identity->home[0]) return 0;
	if (!find_user(ctx, NULL, identity->uid, &found, name, sizeof name) || !found.home[0]) return -1;
	memcpy(identity->home, found.home, sizeof found.home);
	return 0;
}
