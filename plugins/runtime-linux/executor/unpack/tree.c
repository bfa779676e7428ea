/* The tar reader's entries come in, files, folders, links and devices go out onto the disk; called by unpack.c. Nothing here follows a symlink as
 * the last component of a name, and everything is created, never opened as found. */
#include "tree.h"

#include "../sys.h"
#include "content.h"
#include "remove.h"
#include "whiteout.h"
#include "xattr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

struct folder {
	char *path;
	ino_t inode;
	mode_t mode;
	struct timespec mtime;
};

static int write_place(struct tree *t, struct tar *tar, const struct place *p, struct err *err);
static int write_file(struct tree *t, struct tar *tar, int parent, const struct place *p, struct err *err);
static int write_folder(struct tree *t, const struct tar_entry *e, int parent, const struct place *p, struct err *err);
static int write_link(struct tree *t, const struct tar_entry *e, const struct place *p, struct err *err);
static int write_symlink(struct tree *t, const struct tar_entry *e, int parent, const struct place *p, struct err *err);
static int write_node(struct tree *t, const struct tar_entry *e, int parent, const struct place *p, struct err *err);

void tree_begin(struct tree *t, int root, uint64_t limit) {
	memset(t, 0, sizeof *t);
	t->root = root;
	t->parent = -1;
	t->limit = limit;
}

void tree_free(struct tree *t) {
	if (t->parent >= 0) close(t->parent);
	for (size_t i = 0; i < t->folder_count; i++) free(t->folders[i].path);
	free(t->folders);
}

int tree_write(struct tree *t, struct tar *tar, struct err *err) {
	struct place p;
	const struct tar_entry *e = &tar->entry;
	if (place_clean(&p, e->name, "path", err) < 0) return -1;
	if (e->uid >= UINT32_MAX) return err_set(err, EBADMSG, "layer: uid is out of range: %.100s", p.path);
	if (e->gid >= UINT32_MAX) return err_set(err, EBADMSG, "layer: gid is out of range: %.100s", p.path);
	if (e->size > t->limit) return err_set(err, EFBIG, "layer: size is more than is allowed: %.100s", p.path);
	switch (whiteout_kind(&p, err)) {
	case WHITEOUT_NONE: return write_place(t, tar, &p, err);
	case WHITEOUT_FILE: return whiteout_file(t, &p, err);
	case WHITEOUT_OPAQUE: return whiteout_opaque(t, &p, err);
	case WHITEOUT_IGNORED: return 0;
	default: return -1;
	}
}

static int write_place(struct tree *t, struct tar *tar, const struct place *p, struct err *err) {
	const struct tar_entry *e = &tar->entry;
	if (!*p->base && e->type != '5') return err_set(err, EBADMSG, "layer: path names the root, and it is no folder");
	if (e->type == '1') return write_link(t, e, p, err);
	int parent = tree_parent(t, p->parent, err);
	if (parent < 0) return -1;
	switch (e->type) {
	case '0': return write_file(t, tar, parent, p, err);
	case '2': return write_symlink(t, e, parent, p, err);
	case '5': return write_folder(t, e, parent, p, err);
	default: return write_node(t, e, parent, p, err);
	}
}

/* Takes away what stands where an entry is to be; a later entry of the same name replaces the earlier one. */
static int clear(int parent, const struct place *p, struct err *err) {
	if (remove_tree(parent, p->base) < 0) return tree_fault(err, errno, "cannot replace", p->path);
	return 0;
}

/* In a user namespace some owner may have no id there. `name` is looked up in `fd`, or "" is `fd` itself. */
static int set_owner(const struct tree *t, int fd, const char *name, const struct tar_entry *e, const struct place *p, struct err *err) {
	if (fchownat(fd, name, (uid_t)e->uid, (gid_t)e->gid, AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH)) == 0) return 0;
	if (errno != EINVAL) return tree_fault(err, errno, "cannot give it its owner", p->path);
	if (t->squash) return 0;
	return err_set(err, EDOM, "layer: owner %u:%u is not among the ids of this user namespace: %.100s", (unsigned)e->uid, (unsigned)e->gid, p->path);
}

/* Since the umask is 0 and we are root, a fresh file needs a call only for what differs from that. */
static int set_owner_and_mode(const struct tree *t, int fd, const struct tar_entry *e, const struct place *p, struct err *err) {
	if ((e->uid || e->gid) && set_owner(t, fd, "", e, p, err) < 0) return -1;
	if (e->mode & 07000 && fchmod(fd, e->mode) < 0) return tree_fault(err, errno, "cannot give it its mode", p->path);
	return 0;
}

static int write_file(struct tree *t, struct tar *tar, int parent, const struct place *p, struct err *err) {
	const struct tar_entry *e = &tar->entry;
	const struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, e->mtime};
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(parent, p->base, flags, e->mode & 0777);
	if (fd < 0 && errno == EEXIST) {
		if (clear(parent, p, err) < 0) return -1;
		fd = openat(parent, p->base, flags, e->mode & 0777);
	}
	if (fd < 0) return tree_fault(err, errno, "cannot create the file", p->path);
	int r = content_write(tar, fd, &t->size, err);
	if (r == 0) r = set_owner_and_mode(t, fd, e, p, err);
	if (r == 0) r = xattr_set(fd, e, err); /* after the owner: changing that drops capabilities */
	if (r == 0 && futimens(fd, times) < 0) r = tree_fault(err, errno, "cannot set the time", p->path);
	close(fd);
	return r;
}

/* A folder that stands already stays, with what is in it. One that takes the place of a whiteout hides what was below. */
static int make_folder(const struct tar_entry *e, int parent, const struct place *p, bool *opaque, struct err *err) {
	struct stat st;
    *opaque = false;
	if (mkdirat(parent, p->base, e->mode & 0777) == 0) return 0;
	if (errno != EEXIST) return tree_fault(err, errno, "cannot make the folder", p->path);
	if (fstatat(parent, p->base, &st, AT_SYMLINK_NOFOLLOW) < 0) return tree_fault(err, errno, "cannot look at", p->path);
	if (S_ISDIR(st.st_mode)) return 0;
    *opaque = S_ISCHR(st.st_mode) && st.st_rdev == 0;
	if (clear(parent, p, err) < 0) return -1;
	if (mkdirat(parent, p->base, e->mode & 0777) < 0) return tree_fault(err, errno, "cannot make the folder", p->path);
	return 0;
}

/* Later entries change a folder's time, and a set-gid folder would hand its group down: both wait for the end. */
static int postpone(struct tree *t, int fd, const struct tar_entry *e, const struct place *p, struct err *err) {
	struct stat st;
	if (fstat(fd, &st) < 0) return tree_fault(err, errno, "cannot look at", p->path);
	if (t->folder_count == t->folder_room) {
		size_t room = t->folder_room ? 2 * t->folder_room : 256;
		struct folder *grown = realloc(t->folders, room * sizeof *grown);
		if (!grown) return err_set(err, ENOMEM, "layer: no memory for its folders");
		t->folders = grown;
		t->folder_room = room;
	}
	char *path = strdup(*p->path ? p->path : ".");
	if (!path) return err_set(err, ENOMEM, "layer: no memory for its folders");
	t->folders[t->folder_count++] = (struct folder){path, st.st_ino, e->mode, e->mtime};
	return 0;
}

static int write_folder(struct tree *t, const struct tar_entry *e, int parent, const struct place *p, struct err *err) {
	bool opaque = false;
	if (*p->base && make_folder(e, parent, p, &opaque, err) < 0) return -1;
	int fd = openat(parent, *p->base ? p->base : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) return tree_fault(err, errno, "cannot open the folder", p->path);
	int r = 0;
	if (opaque) r = whiteout_mark(fd, p->path, err);
	if (r == 0) r = set_owner(t, fd, "", e, p, err);
	if (r == 0) r = xattr_set(fd, e, err);
	if (r == 0) r = postpone(t, fd, e, p, err);
	if (r == 0 && *p->base) tree_remember(t, fd, p->path);
	else close(fd);
	return r;
}

static int write_symlink(struct tree *t, const struct tar_entry *e, int parent, const struct place *p, struct err *err) {
	const struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, e->mtime};
	if (!*e->link) return err_set(err, EBADMSG, "layer: linkpath is empty: %.100s", p->path);
	int r = symlinkat(e->link, parent, p->base);
	if (r < 0 && errno == EEXIST) {
		if (clear(parent, p, err) < 0) return -1;
		r = symlinkat(e->link, parent, p->base);
	}
	if (r < 0) return tree_fault(err, errno, "cannot create the symlink", p->path);
	if ((e->uid || e->gid) && set_owner(t, parent, p->base, e, p, err) < 0) return -1;
	if (utimensat(parent, p->base, times, AT_SYMLINK_NOFOLLOW) < 0) return tree_fault(err, errno, "cannot set the time", p->path);
	return 0;
}

static int write_node(struct tree *t, const struct tar_entry *e, int parent, const struct place *p, struct err *err) {
	const struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, e->mtime};
	mode_t kind = e->type == '3' ? S_IFCHR : e->type == '4' ? S_IFBLK : S_IFIFO;
	dev_t device = e->type == '6' ? 0 : makedev((unsigned)e->major, (unsigned)e->minor);
	if (e->major > 0xfff || e->minor > 0xfffff) return err_set(err, EBADMSG, "layer: devmajor or devminor is out of range: %.100s", p->path);
	int r = mknodat(parent, p->base, kind | e->mode, device);
	if (r < 0 && errno == EEXIST) {
		if (clear(parent, p, err) < 0) return -1;
		r = mknodat(parent, p->base, kind | e->mode, device);
	}
	/* Root of a user namespace makes no devices, and could use none: an image is whole without them. */
	if (r < 0 && errno == EPERM && kind != S_IFIFO) return 0;
	if (r < 0) return tree_fault(err, errno, "cannot create the node", p->path);
	if ((e->uid || e->gid) && set_owner(t, parent, p->base, e, p, err) < 0) return -1;
	if (utimensat(parent, p->base, times, AT_SYMLINK_NOFOLLOW) < 0) return tree_fault(err, errno, "cannot set the time", p->path);
	return 0;
}

/* To a file of this archive that stands already; the target itself is never followed. */
static int write_link(struct tree *t, const struct tar_entry *e, const struct place *p, struct err *err) {
	struct place to;
	if (place_clean(&to, e->link, "linkpath", err) < 0) return -1;
	if (!*to.base) return err_set(err, EBADMSG, "layer: linkpath names the root: %.100s", p->path);
	if (strcmp(to.path, p->path) == 0) return err_set(err, EBADMSG, "layer: linkpath names the entry itself: %.100s", p->path);
	int from = tree_parent(t, to.parent, err);
	if (from < 0) return -1;
	/* The next lookup may close it. */
	int held = from == t->root ? t->root : fcntl(from, F_DUPFD_CLOEXEC, 0);
	if (held < 0) return tree_fault(err, errno, "cannot keep the folder", to.parent);
	int r = -1, parent = tree_parent(t, p->parent, err);
	if (parent >= 0) {
		r = linkat(held, to.base, parent, p->base, 0);
		if (r < 0 && errno == EEXIST && clear(parent, p, err) == 0) r = linkat(held, to.base, parent, p->base, 0);
		if (r < 0) tree_fault(err, errno, "cannot make the hard link", p->path);
	}
	if (held != t->root) close(held);
	return r;
}

int tree_finish(struct tree *t, struct err *err) {
	for (size_t i = 0; i < t->folder_count; i++) {
		const struct folder *f = &t->folders[i];
		const struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, f->mtime};
		struct stat st;
		int fd = sys_openat2(t->root, f->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
		/* A later entry took its place. */
		if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) continue;
		if (fd < 0) return tree_fault(err, errno, "cannot open the folder", f->path);
		int r = fstat(fd, &st);
		if (r == 0 && st.st_ino == f->inode) {
			if ((st.st_mode & 07777) != f->mode) r = fchmod(fd, f->mode);
			if (r == 0) r = futimens(fd, times);
		}
		if (r < 0) tree_fault(err, errno, "cannot finish the folder", f->path);
		close(fd);
		if (r < 0) return -1;
	}
	return 0;
}
