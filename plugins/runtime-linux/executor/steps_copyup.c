/* Fills a new filesystem with what lies in the folder it will cover: a detached mount and a path inside come in. The tree is the
 * image's and hostile: it is walked by descriptors, no link is followed, no other filesystem entered. Called through ops.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "step.h"
#include "sys.h"
#include "util.h"

/* Each level holds two descriptors and a list, on a stack that may be a small one. */
enum { MAX_DEPTH = 40, LIST_SIZE = 1024, COPY_SIZE = 16384 };

struct copy {
	int from, to;
	dev_t device;
	int depth;
};

static int copy_folder(const struct copy *copy, struct err *err);

static int keep_owner(int to, const char *name, const struct stat *info, struct err *err) {
	if (fchownat(to, name, info->st_uid, info->st_gid, AT_SYMLINK_NOFOLLOW) == 0) return 0;
	return err_sys(err, "cannot give %s its owner", name);
}

/* After the owner: to change that takes the set-id bits away. */
static int keep_mode(int fd, const char *name, const struct stat *info, struct err *err) {
	struct timespec times[2] = { info->st_atim, info->st_mtim };

	if (fchmod(fd, info->st_mode & 07777) < 0 || futimens(fd, times) < 0) return err_sys(err, "cannot give %s its mode", name);
	return 0;
}

static int copy_bytes(int from, int to, const char *name, struct err *err) {
	char bytes[COPY_SIZE];
	ssize_t got;

	while ((got = read(from, bytes, sizeof bytes)) != 0) {
		if (got < 0 && errno == EINTR) continue;
		if (got < 0) return err_sys(err, "cannot read %s", name);
		if (write_all(to, bytes, (size_t)got) < 0) return err_sys(err, "cannot fill %s", name);
	}
	return 0;
}

static int copy_file(const struct copy *copy, const char *name, const struct stat *seen, struct err *err) {
	autofd from = openat(copy->from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), to = -1;
	struct stat info;

	if (from < 0 || fstat(from, &info) < 0) return err_sys(err, "cannot open %s", name);
	if (info.st_ino != seen->st_ino || !S_ISREG(info.st_mode)) return err_set(err, EAGAIN, "%s has changed meanwhile", name);
	to = openat(copy->to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0) return err_sys(err, "cannot make %s", name);
	if (copy_bytes(from, to, name, err) < 0 || keep_owner(copy->to, name, &info, err) < 0) return -1;
	return keep_mode(to, name, &info, err);
}

static int copy_below(const struct copy *copy, const char *name, const struct stat *info, struct err *err) {
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	autofd from = openat(copy->from, name, flags), to = -1;
	struct copy below = { .device = copy->device, .depth = copy->depth + 1 };

	if (from < 0) return err_sys(err, "cannot open %s", name);
	if (below.depth > MAX_DEPTH) return err_set(err, ELOOP, "the folders are nested too deep");
	if (mkdirat(copy->to, name, 0700) < 0 || (to = openat(copy->to, name, flags)) < 0) return err_sys(err, "cannot make %s", name);
	below.from = from;
	below.to = to;
	if (copy_folder(&below, err) < 0 || keep_owner(copy->to, name, info, err) < 0) return -1;
	return keep_mode(to, name, info, err);
}

static int copy_link(const struct copy *copy, const char *name, const struct stat *info, struct err *err) {
	char target[PATH_MAX];
	ssize_t len = readlinkat(copy->from, name, target, sizeof target - 1);

	if (len < 0) return err_sys(err, "cannot read the link %s", name);
	target[len] = 0;
	if (symlinkat(target, copy->to, name) < 0) return err_sys(err, "cannot make the link %s", name);
	return keep_owner(copy->to, name, info, err);
}

/* Root of a user namespace makes no devices, and they are of no use to it. */
static int copy_special(const struct copy *copy, const char *name, const struct stat *info, struct err *err) {
	if (mknodat(copy->to, name, info->st_mode, info->st_rdev) == 0) return keep_owner(copy->to, name, info, err);
	return errno == EPERM ? 0 : err_sys(err, "cannot make %s", name);
}

static int copy_one(const struct copy *copy, const char *name, struct err *err) {
	struct stat info;

	if (fstatat(copy->from, name, &info, AT_SYMLINK_NOFOLLOW) < 0) return err_sys(err, "cannot look at %s", name);
	/* A mount point's own content is none of the folder's. */
	if (info.st_dev != copy->device) return 0;
	if (S_ISREG(info.st_mode)) return copy_file(copy, name, &info, err);
	if (S_ISDIR(info.st_mode)) return copy_below(copy, name, &info, err);
	if (S_ISLNK(info.st_mode)) return copy_link(copy, name, &info, err);
	return copy_special(copy, name, &info, err);
}

/* The kernel's own list: nothing may be allocated here. */
struct entry {
	uint64_t inode;
	int64_t next;
	uint16_t size;
	uint8_t type;
	char name[];
};

static int copy_listed(const struct copy *copy, const char *bytes, long len, struct err *err) {
	for (long at = 0; at < len;) {
		const struct entry *entry = (const struct entry *)(const void *)(bytes + at);

		at += entry->size;
		if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0) continue;
		if (copy_one(copy, entry->name, err) < 0) return -1;
	}
	return 0;
}

static int copy_folder(const struct copy *copy, struct err *err) {
	_Alignas(8) char bytes[LIST_SIZE];
	long got;

	while ((got = syscall(SYS_getdents64, copy->from, bytes, sizeof bytes)) > 0)
		if (copy_listed(copy, bytes, got, err) < 0) return -1;
	return got < 0 ? err_sys(err, "cannot list a folder") : 0;
}

int step_copyup(struct ctx *ctx, const struct node *args, struct err *err) {
	int mount = slot_get(ctx, args[0].number, err);
	autofd from = -1, to = -1;
	struct copy copy = { .depth = 0 };
	struct stat info;

	if (mount < 0) return -1;
	from = inside_open(ctx, args[1].str, O_RDONLY | O_DIRECTORY, 0, err);
	if (from < 0) return err->num == ENOENT || err->num == ENOTDIR ? 0 : -1;
	to = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0 || fstat(from, &info) < 0) return err_sys(err, "cannot look at %s", args[1].str);
	copy.from = from;
	copy.to = to;
	copy.device = info.st_dev;
	if (copy_folder(&copy, err) < 0 || keep_owner(mount, ".", &info, err) < 0) return -1;
	return keep_mode(to, args[1].str, &info, err);
}
