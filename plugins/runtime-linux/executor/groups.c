/* Takes away the groups a container made below its own, which would keep that one busy. Comes in: a group's folder. Called by `rmdir`. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "groups.h"
#include "util.h"

#define OPEN (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
/* A name in a group's folder is at most NAME_MAX bytes long. */
#define NAME 256

static bool first_group(int folder, char name[NAME]) {
	int copy = openat(folder, ".", OPEN);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	bool found = false;

	if (!list) {
		if (copy >= 0) close(copy);
		return false;
	}
	while (!found && (entry = readdir(list))) {
		if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
		if (strlen(entry->d_name) >= NAME) continue;
		strcpy(name, entry->d_name);
		found = true;
	}
	closedir(list);
	return found;
}

/* By one descriptor and a count, not by recursion: how deep they are nested was the container's to choose. */
void groups_remove_below(const char *path) {
	autofd at = openat(AT_FDCWD, path, OPEN);
	char name[NAME], below[NAME];
	unsigned long depth = 0;

	while (at >= 0) {
		bool any = first_group(at, name);
		int next;

		if (!any && depth == 0) return;
		if (any && unlinkat(at, name, AT_REMOVEDIR) == 0) continue;
		next = openat(at, any ? name : "..", OPEN);
		if (next >= 0 && any && !first_group(next, below)) {
			/* Busy by processes, not by groups. */
			close(next);
			return;
		}
		depth += any ? 1 : -1ul;
		close(at);
		at = next;
	}
}
