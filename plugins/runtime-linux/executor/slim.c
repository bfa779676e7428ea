/* Makes a slim mount namespace: every mount in it would cost every container's start a microsecond. Paths to keep come in, an
 * fd of the machine's namespace goes out. Called once, by main.c. */
#define _GNU_SOURCE
#include "slim.h"

#include <string.h>
#include <sys/mman.h>

#include "sys.h"
#include "util.h"

enum { TABLE = 4 * 1024 * 1024 };

/* Whether `path` is `folder` or lies below it. */
static bool is_below(const char *path, const char *folder) {
	size_t len = strlen(folder);

	while (len > 1 && folder[len - 1] == '/') len--;
	return len == 1 || (strncmp(path, folder, len) == 0 && (path[len] == '/' || !path[len]));
}

static bool is_needed(const char *mount, const char *const *keep) {
	static const char *const always[] = { "/", "/proc", "/sys", "/dev" };

	for (size_t i = 0; i < sizeof always / sizeof *always; i++)
		if (strcmp(mount, always[i]) == 0) return true;
	if (is_below(mount, "/sys/fs/cgroup")) return true;
	for (; *keep; keep++)
		if (is_below(*keep, mount) || is_below(mount, *keep)) return true;
	return false;
}

/* The fifth field of a line of mountinfo, its octal escapes undone in place. */
static char *mount_point(char *line) {
	char *from, *to, *field = line;

	for (int i = 0; i < 4 && field; i++) {
		field = strchr(field, ' ');
		if (field) field++;
	}
	if (!field) return NULL;
	for (from = to = field; *from && *from != ' '; from++, to++) {
		*to = *from;
		if (*from != '\\' || !from[1] || !from[2] || !from[3]) continue;
		*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
		from += 3;
	}
	*to = 0;
	return field;
}

static int drop_mounts(char *table, ssize_t len, const char *const *keep, struct err *err) {
	/* From the last line, so that a mount goes before what it is mounted on. */
	for (char *end = table + len; end > table;) {
		char *line = end - 1, *path;

		while (line > table && line[-1] != '\n') line--;
		path = mount_point(line);
		if (path && !is_needed(path, keep) && umount2(path, MNT_DETACH) < 0 && errno != EINVAL && errno != ENOENT)
			return err_sys(err, "cannot leave the mount %s", path);
		end = line;
	}
	return 0;
}

static int leave_mounts(const char *const *keep, struct err *err) {
	char *table;
	ssize_t len;
	int ret;

	table = mmap(NULL, TABLE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (table == MAP_FAILED) return err_sys(err, "no memory");
	len = read_file_at(AT_FDCWD, "/proc/self/mountinfo", table, TABLE);
	ret = len < 0 ? err_sys(err, "cannot read the mounts") : drop_mounts(table, len, keep, err);
	munmap(table, TABLE);
	return ret;
}

int slim_enter(const char *const *keep, bool mapped, struct err *err) {
	autofd machine = -1;

	/* Root of a user namespace may not enter the machine's own: a copy, which follows the machine's mounts, stands for it. */
	if (mapped && unshare(CLONE_NEWNS) < 0) return err_sys(err, "cannot make a mount namespace");
	machine = openat(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (machine < 0) return err_sys(err, "cannot open the mount namespace");
	if (unshare(CLONE_NEWNS) < 0) return err_sys(err, "cannot make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return err_sys(err, "cannot make the mounts private");
	/* Nor may it take a single mount of the machine's away: what lies beneath is not for it to see. */
	if (!mapped && leave_mounts(keep, err) < 0) return -1;
	return fd_take(&machine);
}
