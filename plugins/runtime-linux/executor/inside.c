/* Resolves paths inside a hostile root by fd: a path comes in, an O_PATH descriptor that cannot lie outside goes out.
 * Called by every step that names a path *inside*. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "step.h"
#include "sys.h"
#include "util.h"

enum { HOPS = 40 };

/* A walk that makes what is missing: `done` has no links left, `rest` is still to be walked. */
struct walk {
	char done[PATH_MAX], rest[PATH_MAX];
	int hops;
};

static int root_of(struct ctx *ctx, struct err *err) {
	if (ctx->root >= 0) return ctx->root;
	/* In an exec the process's own root is the container's. */
	if (ctx->dir) return err_set(err, EINVAL, "there is no root yet");
	ctx->root = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return ctx->root < 0 ? err_sys(err, "cannot open the root") : ctx->root;
}

int inside_open(struct ctx *ctx, const char *path, uint64_t flags, uint64_t resolve, struct err *err) {
	int root = root_of(ctx, err), fd;

	if (root < 0) return -1;
	fd = sys_openat2(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve);
	/* EAGAIN: a rename elsewhere in the tree raced with "..". */
	for (int tries = 0; fd < 0 && errno == EAGAIN && tries < 16; tries++)
		fd = sys_openat2(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve);
	return fd < 0 ? err_sys(err, "cannot open %s in the container", path) : fd;
}

/* Takes the first name off `rest`; false when there is none. */
static bool next_name(struct walk *walk, char *name) {
	char *start = walk->rest, *end;

	while (*start == '/') start++;
	if (!*start) return false;
	end = strchrnul(start, '/');
	if (end - start > NAME_MAX) return false;
	memcpy(name, start, (size_t)(end - start));
	name[end - start] = 0;
	memmove(walk->rest, end, strlen(end) + 1);
	return true;
}

static int follow_link(struct walk *walk, int fd, struct err *err) {
	char target[PATH_MAX];
	ssize_t len = readlinkat(fd, "", target, sizeof target - 1);

	if (len < 0) return err_sys(err, "cannot read a link");
	if (++walk->hops > HOPS) return err_set(err, ELOOP, "too many links");
	target[len] = 0;
	if ((size_t)len + 1 + strlen(walk->rest) + 1 > sizeof walk->rest) return err_set(err, ENAMETOOLONG, "a link leads too far");
	memmove(walk->rest + len + 1, walk->rest, strlen(walk->rest) + 1);
	memcpy(walk->rest, target, (size_t)len);
	walk->rest[len] = '/';
	if (target[0] == '/') walk->done[0] = 0;
	return 0;
}

/* 1 when it was made, 0 when something of that name is there. */
static int make_one(int parent, const char *name, enum make make, uint32_t mode) {
	int ret = make == MAKE_FOLDER ? mkdirat(parent, name, mode) : mknodat(parent, name, S_IFREG | mode, 0);

	if (ret == 0) return 1;
	return errno == EEXIST ? 0 : -1;
}

/* Appends `name` to what is done, making it when it is not there; a link goes back into the rest. */
static int walk_name(struct ctx *ctx, struct walk *walk, const char *name, enum make make, uint32_t mode, struct err *err) {
	size_t before = strlen(walk->done);
	struct text done = { walk->done, before, sizeof walk->done, false };
	autofd fd = -1, parent = -1;
	struct stat info;

	if (strcmp(name, ".") == 0) return 0;
	if (strcmp(name, "..") == 0) {
		char *last = strrchr(walk->done, '/');

		*(last ? last : walk->done) = 0;
		return 0;
	}
	text_add(&done, "/");
	text_add(&done, name);
	if (done.over) return err_set(err, ENAMETOOLONG, "the path is too long");
	fd = inside_open(ctx, walk->done, O_PATH | O_NOFOLLOW, 0, err);
	if (fd < 0 && errno == ENOENT) {
		walk->done[before] = 0;
		parent = inside_open(ctx, before ? walk->done : "/", O_PATH | O_DIRECTORY, 0, err);
		if (parent < 0) return -1;
		if (make_one(parent, name, make, mode) < 0) return err_sys(err, "cannot make %s in the container", name);
		walk->done[before] = '/';
		return 0;
	}
	if (fd < 0) return -1;
	if (fstat(fd, &info) < 0) return err_sys(err, "cannot look at %s", walk->done);
	if (!S_ISLNK(info.st_mode)) return 0;
	walk->done[before] = 0;
	return follow_link(walk, fd, err);
}

static int walk_all(struct ctx *ctx, struct walk *walk, enum make make, uint32_t mode, struct err *err) {
	char name[NAME_MAX + 1];

	while (next_name(walk, name)) {
		bool last = walk->rest[strspn(walk->rest, "/")] == 0;

		if (walk_name(ctx, walk, name, last ? make : MAKE_FOLDER, last ? mode : 0755, err) < 0) return -1;
	}
	if (walk->rest[strspn(walk->rest, "/")] != 0) return err_set(err, ENAMETOOLONG, "a name in the path is too long");
	return inside_open(ctx, walk->done[0] ? walk->done : "/", O_PATH, 0, err);
}

/* The usual case: only the last name is missing. A name that is there after all is a link to nowhere, and for the walk. */
static int make_last(struct ctx *ctx, const char *path, enum make make, uint32_t mode, uint64_t resolve, struct err *err) {
	const char *name = strrchr(path, '/') + 1;
	char folder[PATH_MAX];
	autofd parent = -1;

	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strlen(path) >= sizeof folder) return -1;
	memcpy(folder, path, (size_t)(name - path));
	folder[name - path] = 0;
	parent = inside_open(ctx, folder, O_PATH | O_DIRECTORY, resolve, err);
	if (parent < 0 || make_one(parent, name, make, mode) != 1) return -1;
	return sys_openat2(parent, name, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

static int make_all(struct ctx *ctx, const char *path, enum make make, uint32_t mode, struct err *err) {
	struct walk walk = { .hops = 0 };

	if (strlen(path) >= sizeof walk.rest) return err_set(err, ENAMETOOLONG, "the path is too long");
	walk.done[0] = 0;
	memcpy(walk.rest, path, strlen(path) + 1);
	return walk_all(ctx, &walk, make, mode, err);
}

int inside_make(struct ctx *ctx, const char *path, enum make make, uint32_t mode, struct err *err) {
	int fd = inside_open(ctx, path, O_PATH, 0, err);

	if (fd >= 0 || errno != ENOENT || make == MAKE_NOTHING) return fd;
	fd = make_last(ctx, path, make, mode, 0, err);
	return fd >= 0 ? fd : make_all(ctx, path, make, mode, err);
}

/* What the walk made is opened once more: the making follows links, and another container of the same tree may have put one there. */
int inside_make_nosymlink(struct ctx *ctx, const char *path, enum make make, uint32_t mode, struct err *err) {
	int fd = inside_open(ctx, path, O_PATH, RESOLVE_NO_SYMLINKS, err);

	if (fd >= 0 || errno != ENOENT || make == MAKE_NOTHING) return fd;
	fd = make_last(ctx, path, make, mode, RESOLVE_NO_SYMLINKS, err);
	if (fd >= 0) return fd;
	fd = make_all(ctx, path, make, mode, err);
	if (fd < 0) return -1;
	close(fd);
	return inside_open(ctx, path, O_PATH, RESOLVE_NO_SYMLINKS, err);
}

int inside_parent(struct ctx *ctx, const char *path, const char **name, struct err *err) {
	const char *last = strrchr(path, '/');
	char parent[PATH_MAX];

	if (!last || !last[1] || strcmp(last, "/..") == 0 || strcmp(last, "/.") == 0 || strlen(path) >= sizeof parent)
		return err_set(err, EINVAL, "%s does not end in a name", path);
	*name = last + 1;
	memcpy(parent, path, (size_t)(last - path));
	parent[last - path] = 0;
	return inside_make(ctx, last == path ? "/" : parent, MAKE_FOLDER, 0755, err);
}

int inside_proc(struct ctx *ctx, struct err *err) {
	autofd fd = inside_open(ctx, "/proc", O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS, err);
	struct statfs fs;
	struct stat info;

	if (fd < 0) return -1;
	if (fstatfs(fd, &fs) < 0 || fstat(fd, &info) < 0) return err_sys(err, "cannot look at /proc");
	if ((uint64_t)fs.f_type != PROC_MAGIC || info.st_ino != PROC_ROOT_INODE) return err_set(err, EXDEV, "/proc is not a procfs");
	return fd_take(&fd);
}

int proc_write(struct ctx *ctx, const char *path, const char *value, struct err *err) {
	autofd proc = inside_proc(ctx, err), fd = -1;

	if (proc < 0) return -1;
	fd = sys_openat2(proc, path, O_WRONLY, RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
	if (fd < 0) return err_sys(err, "cannot open /proc/%s", path);
	if (write(fd, value, strlen(value)) < 0) return err_sys(err, "cannot write to /proc/%s", path);
	return 0;
}

bool null_device(int fd) {
	struct stat info;

	return fstat(fd, &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
}

int inside_null(struct ctx *ctx, int flags) {
	struct err ignored = ERR_INIT;
	autofd path = inside_open(ctx, "/dev/null", O_PATH, 0, &ignored), fd = -1;

	if (path < 0 || !null_device(path)) return -1;
	if (flags == O_PATH) return fd_take(&path);
	/* Looked at before, so that no other device is opened, and after, because the name may have been given away meanwhile. */
	fd = inside_open(ctx, "/dev/null", (uint64_t)flags | O_NONBLOCK | O_NOCTTY, 0, &ignored);
	return fd >= 0 && null_device(fd) ? fd_take(&fd) : -1;
}
