/* The steps that fill the new root and enter it: folders, nodes, links, the pivot. Called through the table in ops.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "step.h"
#include "sys.h"
#include "util.h"

int step_folder(struct ctx *ctx, const struct node *args, struct err *err) {
	autofd fd = inside_make(ctx, args[0].str, MAKE_FOLDER, (uint32_t)args[1].number, err);
	struct stat info;

	if (fd < 0) return -1;
	if (fstat(fd, &info) < 0) return err_sys(err, "cannot look at %s", args[0].str);
	return S_ISDIR(info.st_mode) ? 0 : err_set(err, ENOTDIR, "%s is no folder", args[0].str);
}

static int node_exists(int parent, const char *name, mode_t mode, dev_t device, struct err *err) {
	struct stat info;

	if (fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) < 0) return err_sys(err, "cannot look at %s", name);
	if ((info.st_mode & S_IFMT) == (mode & S_IFMT) && (S_ISFIFO(mode) || S_ISREG(mode) || info.st_rdev == device)) return 0;
	return err_set(err, EEXIST, "%s exists and is something else", name);
}

/* A /dev is filled by one step after the other. Between two that follow each other nothing is mounted, so its folder need not be looked up
 * again. The descriptor is the context's. */
static int folder_of(struct ctx *ctx, const char *path, const char **name, struct err *err) {
	struct folder *last = &ctx->folder;
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	int fd;

	if (last->steps == ctx->steps && last->at + 1 == ctx->at && len && last->len == len && memcmp(last->path, path, len) == 0 && slash[1] && slash[1] != '.') {
		*name = slash + 1;
		last->at = ctx->at;
		return last->fd;
	}
	fd = inside_parent(ctx, path, name, err);
	if (fd < 0) return -1;
	if (last->steps) close(last->fd);
	*last = (struct folder){ ctx->steps, ctx->at, path, len, fd };
	return fd;
}

int step_node(struct ctx *ctx, const struct node *args, struct err *err) {
	mode_t mode = (mode_t)args[1].number;
	dev_t device = makedev((unsigned)args[2].number, (unsigned)args[3].number);
	uint32_t uid = (uint32_t)args[4].number, gid = (uint32_t)args[5].number;
	const char *name;
	int parent = folder_of(ctx, args[0].str, &name, err);

	if (parent < 0) return -1;
	if (mknodat(parent, name, mode, device) < 0) {
		if (errno == EEXIST) return node_exists(parent, name, mode, device, err);
		return err_sys(err, "cannot make the node %s", args[0].str);
	}
	if ((uid || gid) && fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0) return err_sys(err, "cannot change the owner of %s", args[0].str);
	return 0;
}

int step_link(struct ctx *ctx, const struct node *args, struct err *err) {
	const char *name;
	int parent = folder_of(ctx, args[1].str, &name, err);

	if (parent < 0) return -1;
	if (symlinkat(args[0].str, parent, name) == 0 || errno == EEXIST) return 0;
	return err_sys(err, "cannot make the link %s", args[1].str);
}

static int enter_root(struct ctx *ctx, struct err *err) {
	if (ctx->root < 0) return err_set(err, EINVAL, "there is no root yet");
	return fchdir(ctx->root) < 0 ? err_sys(err, "cannot enter the new root") : 0;
}

int step_pivot(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)args;
	if (enter_root(ctx, err) < 0) return -1;
	/* Both names are the same folder, so the old root ends up on top of the new one and is taken off by the next call. */
	if (syscall(SYS_pivot_root, ".", ".") < 0) return err_sys(err, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0) return err_sys(err, "cannot detach the old root");
	return chdir("/") < 0 ? err_sys(err, "cannot enter /") : 0;
}

int step_chroot(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)args;
	if (enter_root(ctx, err) < 0) return -1;
	if (chroot(".") < 0) return err_sys(err, "chroot");
	return chdir("/") < 0 ? err_sys(err, "cannot enter /") : 0;
}
