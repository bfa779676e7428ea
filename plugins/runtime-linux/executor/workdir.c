/* The folders overlays work in, handed from one container to the next. A path comes in; the folder is there, or is put by. Called by the
 * step `workdir` and by the worker that removes what a container leaves.
 *
 * Nothing of a container is ever in one but what the kernel was about to move into its written layer, and mounting begins by making the folder
 * inside it anew. So an empty one is as good as a new one, and costs no inode. */
#define _GNU_SOURCE
#include "workdir.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys.h"
#include "util.h"

#define NOREPLACE 1u /* RENAME_NOREPLACE */
#define OPEN (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

enum { KEPT = 16 };

static int open_parent(const char *path, const char **name) {
	char folder[4096];

	*name = strrchr(path, '/') + 1;
	memcpy(folder, path, (size_t)(*name - path));
	folder[*name - path] = 0;
	return openat(AT_FDCWD, folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void spare_name(char name[16], int number) {
	snprintf(name, 16, ".spare-%d", number);
}

int workdir_take(const char *path, struct err *err) {
	const char *name;
	autofd parent = open_parent(path, &name);
	char spare[16];

	for (int i = 0; i < KEPT && parent >= 0; i++) {
		spare_name(spare, i);
		if (syscall(SYS_renameat2, parent, spare, parent, name, NOREPLACE) == 0 || errno == EEXIST) return 0;
		if (errno != ENOENT) break;
	}
	return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : err_sys(err, "cannot make %s", path);
}

/* Names in the folder, `.` and `..` aside: 0 none, 1 only the folder overlays make, 2 others. */
static int names_in(int folder) {
	int copy = openat(folder, ".", OPEN), found = 0;
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!list) {
		if (copy >= 0) close(copy);
		return 2;
	}
	while (found < 2 && (entry = readdir(list))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
		found = strcmp(entry->d_name, "work") == 0 ? 1 : 2;
	}
	closedir(list);
	return found;
}

/* As `workdir_take` made it, and as an overlay leaves it. */
static bool is_clean(int folder) {
	autofd inner = -1;
	struct stat info;
	int names;

	if (folder < 0 || fstat(folder, &info) < 0 || info.st_uid != geteuid() || (info.st_mode & 07777) != 0700) return false;
	names = names_in(folder);
	if (names == 1) inner = openat(folder, "work", OPEN);
	return names == 0 || (names == 1 && inner >= 0 && names_in(inner) == 0);
}

bool workdir_put(const char *path) {
	const char *name;
	autofd parent = path[0] == '/' && strlen(path) < 4096 ? open_parent(path, &name) : -1;
	autofd folder = parent < 0 ? -1 : openat(parent, name, OPEN);
	char spare[16];

	if (!is_clean(folder)) return false;
	for (int i = 0; i < KEPT; i++) {
		spare_name(spare, i);
		if (syscall(SYS_renameat2, parent, name, parent, spare, NOREPLACE) == 0) return true;
		if (errno != EEXIST) return false;
	}
	return false;
}
