/* A name below an open folder comes in, nothing is left there; called by tree.c and unpack.c. */
#include "remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

static int empty(int top, int dir, unsigned *moved);

int remove_tree(int parent, const char *name) {
	unsigned moved = 0;
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return 0;
	if (errno != EISDIR && errno != EPERM) return -1;
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return 0;
	if (errno != ENOTEMPTY && errno != EEXIST) return -1;
	int top = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (top < 0) return -1;
	int r = empty(top, top, &moved);
	close(top);
	return r < 0 ? -1 : unlinkat(parent, name, AT_REMOVEDIR);
}

/* A folder within a folder of `top` is moved up into `top` rather than gone down into, so that no depth is too deep. */
static int remove_folder(int top, int dir, const char *name, unsigned *moved) {
	char up[32];
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0) return 0;
	if (errno != ENOTEMPTY && errno != EEXIST) return -1;
	if (dir != top) {
		int r;
		do {
			snprintf(up, sizeof up, ".removing-%u", (*moved)++);
			r = (int)syscall(SYS_renameat2, dir, name, top, up, RENAME_NOREPLACE);
		} while (r < 0 && errno == EEXIST);
		return r;
	}
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) return -1;
	int r = empty(top, fd, moved);
	close(fd);
	return r < 0 ? -1 : unlinkat(dir, name, AT_REMOVEDIR);
}

static int remove_name(int top, int dir, const char *name, unsigned *moved) {
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT) return 0;
	return errno == EISDIR || errno == EPERM ? remove_folder(top, dir, name, moved) : -1;
}

/* Scans again until a scan finds nothing, since what is moved up may be missed by the scan that goes on. */
static int empty(int top, int dir, unsigned *moved) {
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	unsigned found = 1;
	if (!list) {
		if (copy >= 0) close(copy);
		return -1;
	}
	for (; r == 0 && found; rewinddir(list)) {
		const struct dirent *item;
		for (found = 0; r == 0 && (item = readdir(list));) {
			if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0) continue;
			r = remove_name(top, dir, item->d_name, moved);
			found++;
		}
	}
	int saved = errno;
	closedir(list);
	errno = saved;
	return r;
}
