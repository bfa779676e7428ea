/* Whiteout entries come in, overlayfs' own marks go out; called by tree.c. */
#include "whiteout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PREFIX ".wh."
#define META ".wh..wh."

enum whiteout whiteout_kind(const struct place *p, struct err *err) {
	for (const char *at = p->path; *at; at += strcspn(at, "/"), at += *at == '/') {
		if (strncmp(at, PREFIX, 4) != 0) continue;
		/* AUFS kept its own things under such names. */
		if (strncmp(at, META, 8) == 0) return strcmp(at, META ".opq") == 0 ? WHITEOUT_OPAQUE : WHITEOUT_IGNORED;
		if (at != p->base) return err_set(err, EBADMSG, "layer: path goes through a whiteout: %.100s", p->path);
		if (!at[4] || strcmp(at + 4, ".") == 0 || strcmp(at + 4, "..") == 0) return err_set(err, EBADMSG, "layer: path is a whiteout of nothing: %.100s", p->path);
		return WHITEOUT_FILE;
	}
	return WHITEOUT_NONE;
}

/* What the same archive has under that name stays: whiteouts apply to the layers below alone. */
int whiteout_file(struct tree *t, const struct place *p, struct err *err) {
	const char *name = p->base + 4;
	struct stat st;
	int parent = tree_parent(t, p->parent, err);
	if (parent < 0) return -1;
	if (mknodat(parent, name, S_IFCHR, 0) == 0) return 0;
	if (errno != EEXIST) return tree_fault(err, errno, "cannot make the whiteout", p->path);
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0) return tree_fault(err, errno, "cannot look at", p->path);
	if (!S_ISDIR(st.st_mode)) return 0;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) return tree_fault(err, errno, "cannot open the folder", p->path);
	int r = whiteout_mark(fd, p->path, err);
	close(fd);
	return r;
}

int whiteout_opaque(struct tree *t, const struct place *p, struct err *err) {
	int fd = tree_parent(t, p->parent, err);
	if (fd < 0) return -1;
	/* overlayfs does not look at the mark on a layer's root: who stacks the layers must leave out those below. */
	if (!*p->parent) t->opaque = true;
	return whiteout_mark(fd, p->parent, err);
}

int whiteout_mark(int fd, const char *path, struct err *err) {
	/* Root of a user namespace may set only the second of the two, which is the one its overlays look at. */
	if (fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) < 0 && errno != EPERM) return tree_fault(err, errno, "cannot mark the folder opaque", path);
	/* What an overlay mounted in a user namespace looks at. */
	if (fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) < 0 && errno != ENOTSUP) return tree_fault(err, errno, "cannot mark the folder opaque", path);
	return 0;
}
