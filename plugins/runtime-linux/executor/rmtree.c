/* Removes a tree that others may be changing: an absolute path comes in, nothing is left. Called by workers and at the end of
 * a lease. Depth is bounded by memory, not by descriptors: a folder too deep is moved up before it is entered. */
#define _GNU_SOURCE
#include "rmtree.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sys.h"
#include "util.h"

enum { DEPTH = 64 };

/* The folder into which what lies too deep is moved. */
struct removal {
	int top;
	dev_t device;
	unsigned moved;
	struct err *err;
};

/* A folder by descriptor, and the name it is to lose. */
struct place {
	int fd, parent;
	const char *name;
};

static int empty_folder(struct removal *removal, struct place place, int depth);

/* Moved to the top under a name nobody else uses, to be found there by the next pass. */
static int move_up(struct removal *removal, int folder, const char *name) {
	char fresh[40];

	do snprintf(fresh, sizeof fresh, ".core-rm-%u", removal->moved++);
	while (faccessat(removal->top, fresh, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
	return renameat(folder, name, removal->top, fresh) < 0 ? err_sys(removal->err, "cannot move %s", name) : 0;
}

static int remove_folder(struct removal *removal, int folder, const char *name, int depth) {
	autofd child = -1;
	struct stat info;

	/* Most are empty. */
	if (unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
	child = sys_openat2(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, RESOLVE_NO_XDEV | RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	if (child < 0 && errno == ENOENT) return 0;
	if (child < 0) return err_sys(removal->err, "cannot open %s", name);
	if (fstat(child, &info) < 0) return err_sys(removal->err, "cannot look at %s", name);
	if (info.st_dev != removal->device) return err_set(removal->err, EXDEV, "%s is on another filesystem", name);
	if (depth >= DEPTH) return move_up(removal, folder, name);
	return empty_folder(removal, (struct place){ child, folder, name }, depth + 1);
}

static int remove_entry(struct removal *removal, int folder, const struct dirent *entry, int depth) {
	if (entry->d_type != DT_DIR) {
		if (unlinkat(folder, entry->d_name, 0) == 0 || errno == ENOENT) return 0;
		if (errno != EISDIR && errno != EPERM) return err_sys(removal->err, "cannot remove %s", entry->d_name);
	}
	return remove_folder(removal, folder, entry->d_name, depth);
}

static bool is_dot(const char *name) {
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static int one_pass(struct removal *removal, int folder, int depth) {
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!list) {
		fd_close(&copy);
		return err_sys(removal->err, "cannot list a folder");
	}
	while (ret == 0 && (entry = readdir(list))) {
		if (!is_dot(entry->d_name)) ret = remove_entry(removal, folder, entry, depth);
	}
	closedir(list);
	return ret;
}

/* Again until it can be removed: removal during a listing may hide entries, and deep folders come up from below. */
static int empty_folder(struct removal *removal, struct place place, int depth) {
	for (int pass = 0; pass < 100000; pass++) {
		if (one_pass(removal, place.fd, depth) < 0) return -1;
		if (unlinkat(place.parent, place.name, AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
		if (errno != ENOTEMPTY && errno != EEXIST) return err_sys(removal->err, "cannot remove %s", place.name);
	}
	return err_set(removal->err, EBUSY, "the folder is being filled");
}

int rmtree(const char *path, struct err *err) {
	struct removal removal = { .err = err };
	struct stat info;
	int ret;

	err->step = "rmtree";
	if (path[0] != '/' || path[strspn(path, "/")] == 0) return err_set(err, EINVAL, "%s cannot be removed", path);
	removal.top = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (removal.top < 0) {
		if (errno == ENOENT) return 0;
		if (errno != ENOTDIR && errno != ELOOP) return err_sys(err, "cannot open %s", path);
		return unlink(path) < 0 && errno != ENOENT ? err_sys(err, "cannot remove %s", path) : 0;
	}
	ret = fstat(removal.top, &info) < 0 ? err_sys(err, "cannot look at %s", path) : 0;
	removal.device = info.st_dev;
	if (ret == 0) ret = empty_folder(&removal, (struct place){ removal.top, AT_FDCWD, path }, 0);
	close(removal.top);
	return ret;
}
