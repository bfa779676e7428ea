/* Names of entries come in, cleaned paths and folder descriptors go out; called by tree.c, whiteout.c and link.c. */
#include "../sys.h"
#include "tree.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define TRIES 128 /* of a lookup that raced with a rename elsewhere on the machine */

static int open_folder(const struct tree *t, const char *path);
static int make_folders(struct tree *t, const char *path, struct err *err);

int place_clean(struct place *p, const char *name, const char *field, struct err *err) {
	size_t len = 0, base = 0;
	for (const char *at = name; *at;) {
		size_t n = strcspn(at, "/");
		if (n == 2 && at[0] == '.' && at[1] == '.') return err_set(err, EBADMSG, "layer: %s holds '..': %.100s", field, name);
		if (n && !(n == 1 && at[0] == '.')) {
			if (n > 255) return err_set(err, EBADMSG, "layer: %s has a component of more than 255 bytes: %.40s...", field, at);
			if (len + n + 2 > TAR_PATH_MAX) return err_set(err, EBADMSG, "layer: %s is longer than %d bytes", field, TAR_PATH_MAX - 1);
			if (len) p->path[len++] = '/';
			base = len;
			memcpy(p->path + len, at, n);
			len += n;
		}
		at += n + (at[n] == '/');
	}
	if (!*name) return err_set(err, EBADMSG, "layer: %s is empty", field);
	p->path[len] = 0;
	p->base = p->path + base;
	memcpy(p->parent, p->path, base);
	p->parent[base ? base - 1 : 0] = 0;
	return 0;
}

int tree_parent(struct tree *t, const char *path, struct err *err) {
	if (!*path) return t->root;
	if (t->parent >= 0 && strcmp(path, t->parent_path) == 0) return t->parent;
	int fd = open_folder(t, path);
	if (fd < 0 && errno == ENOENT) return make_folders(t, path, err);
	if (fd < 0) return tree_fault(err, errno, "cannot enter the folder", path);
	tree_remember(t, fd, path);
	return fd;
}

void tree_remember(struct tree *t, int fd, const char *path) {
	if (t->parent >= 0) close(t->parent);
	t->parent = fd;
	strcpy(t->parent_path, path);
}

int tree_fault(struct err *err, int num, const char *what, const char *path) {
	static const int names[] = {ENAMETOOLONG, ELOOP, ENOTDIR, EISDIR, EEXIST, ENOENT, EMLINK, EXDEV, EINVAL, EPERM, ENOTEMPTY};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (num == names[i]) return err_set(err, EBADMSG, "layer: %s (%s): %.100s", what, strerror(num), path);
	return err_set(err, num, "layer: %s: %.100s", what, path);
}

/* Symlinks of the archive's own in the middle of a path are followed, as if the tree were the machine's root. */
static int open_folder(const struct tree *t, const char *path) {
	int fd = -1;
	for (int i = 0; i < TRIES; i++) {
		fd = sys_openat2(t->root, path, O_RDONLY | O_DIRECTORY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
		if (fd >= 0 || errno != EAGAIN) break;
	}
	return fd;
}

/* One step down: into a folder of that name, into what a symlink of that name means, or into a new folder. `path` ends with the name. */
static int step_down(struct tree *t, int above, const char *path, const char *name) {
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(above, name, flags);

	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR)) return open_folder(t, path);
	if (fd < 0 && errno == ENOENT && mkdirat(above, name, 0755) == 0) return openat(above, name, flags);
	return fd;
}

/* Archives may leave out the folders above an entry. */
static int make_folders(struct tree *t, const char *path, struct err *err) {
	char part[TAR_PATH_MAX];
	int above = t->root;
	size_t len = 0, total = strlen(path);

	while (len < total) {
		size_t begin = len;

		len += strcspn(path + len, "/");
		memcpy(part, path, len);
		part[len] = 0;
		int fd = step_down(t, above, part, part + begin);
		int num = errno;

		if (above != t->root) close(above);
		if (fd < 0) return tree_fault(err, num, "cannot make the folder", part);
		above = fd;
		len++;
	}
	tree_remember(t, above, path);
	return above;
}
