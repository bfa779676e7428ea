/* The mounting steps of a container's child: new filesystems, the root, mounts onto paths inside it. Each mount is an fd
 * until it is in its place. Called through the table in ops.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "step.h"
#include "sys.h"
#include "util.h"

int step_propagation(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)ctx;
	if (mount(NULL, "/", NULL, args[0].number, NULL) == 0) return 0;
	return err_sys(err, "cannot set the propagation of /");
}

int option_slot(const char *value) {
	int slot = 0;

	if (value[0] != '@' || !value[1]) return -1;
	for (const char *at = value + 1; *at; at++) {
		if (*at < '0' || *at > '9' || at - value > 2) return -1;
		slot = slot * 10 + *at - '0';
	}
	return slot;
}

static int set_option(struct ctx *ctx, int fs, const struct node *option, struct err *err) {
	const char *key = option->items[0].str;
	const char *value = option->items[1].type == NODE_NIL ? NULL : option->items[1].str;
	int slot = value ? option_slot(value) : -1, fd;

	if (!value) return sys_fsconfig(fs, CORE_FSCONFIG_FLAG, key, NULL, 0) < 0 ? err_sys(err, "option %s is refused", key) : 0;
	if (slot < 0) return sys_fsconfig(fs, CORE_FSCONFIG_STRING, key, value, 0) < 0 ? err_sys(err, "option %s=%.80s is refused", key, value) : 0;
	fd = slot_get(ctx, (uint64_t)slot, err);
	if (fd < 0) return -1;
	return sys_fsconfig(fs, CORE_FSCONFIG_FD, key, NULL, fd) < 0 ? err_sys(err, "option %s of slot %d is refused", key, slot) : 0;
}

/* The mode of the folder at that place, if there is one. */
static int set_mode_of(struct ctx *ctx, int fs, const char *path, struct err *err) {
	autofd folder = inside_open(ctx, path, O_PATH | O_DIRECTORY, 0, &(struct err)ERR_INIT);
	char octal[16];
	struct stat info;

	if (folder < 0) return 0;
	if (fstat(folder, &info) < 0) return err_sys(err, "cannot look at %s", path);
	(void)snprintf(octal, sizeof octal, "%o", info.st_mode & 07777);
	return sys_fsconfig(fs, CORE_FSCONFIG_STRING, "mode", octal, 0) < 0 ? err_sys(err, "option mode=%s is refused", octal) : 0;
}

static int fs_mount(struct ctx *ctx, const struct node *args, struct err *err) {
	const struct node *options = &args[2];
	autofd fs = sys_fsopen(args[1].str);
	int fd;

	if (fs < 0) return err_sys(err, "cannot open a filesystem of type %s", args[1].str);
	for (uint32_t i = 0; i < options->len; i++)
		if (set_option(ctx, fs, &options->items[i], err) < 0) return -1;
	if (ctx->steps->list[ctx->at].argc > 4 && set_mode_of(ctx, fs, args[4].str, err) < 0) return -1;
	if (sys_fsconfig(fs, CORE_FSCONFIG_CREATE, NULL, NULL, 0) < 0) return err_sys(err, "cannot create the %s", args[1].str);
	fd = sys_fsmount(fs, (unsigned)args[3].number);
	return fd < 0 ? err_sys(err, "cannot mount the %s", args[1].str) : fd;
}

int step_fs(struct ctx *ctx, const struct node *args, struct err *err) {
	int fd = fs_mount(ctx, args, err);

	if (fd < 0 && err->num == EINVAL && strcmp(args[1].str, "overlay") == 0) fd = overlay_mount_old(ctx, &args[2], args[3].number, err);
	return fd < 0 ? -1 : slot_fill(ctx, args[0].number, fd, err);
}

int step_place(struct ctx *ctx, const struct node *args, struct err *err) {
	int fd = slot_get(ctx, args[0].number, err);

	if (fd < 0) return -1;
	if (sys_move_mount(fd, AT_FDCWD, args[1].str, MOVE_MOUNT_F_EMPTY_PATH) < 0) return err_sys(err, "cannot mount onto %s", args[1].str);
	return 0;
}

/* The new root goes on top of the old one: lookups by absolute path still begin below it, and no folder of the machine's
 * has to be made or reachable for a mapped root user. */
static int take_root(struct ctx *ctx, int fd, const char *place, struct err *err) {
	struct stat info;

	if (ctx->root >= 0) return err_set(err, EINVAL, "there is a root already");
	if (fstat(fd, &info) < 0) return err_sys(err, "cannot look at the new root");
	if (sys_move_mount(fd, AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0) return err_sys(err, "cannot mount the new root onto %s", place);
	ctx->root = fd;
	ctx->root_device = info.st_dev;
	ctx->root_inode = info.st_ino;
	return 0;
}

int step_root(struct ctx *ctx, const struct node *args, struct err *err) {
	int fd = slot_get(ctx, args[0].number, err);

	return fd < 0 ? -1 : take_root(ctx, fd, "/", err);
}

/* Of a process that shares the machine's mounts: the machine's own root stays where it is. */
int step_rootat(struct ctx *ctx, const struct node *args, struct err *err) {
	int fd = slot_get(ctx, args[0].number, err);

	return fd < 0 ? -1 : take_root(ctx, fd, args[1].str, err);
}

int step_bindroot(struct ctx *ctx, const struct node *args, struct err *err) {
	autofd fd = sys_open_tree(AT_FDCWD, args[0].str, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (args[1].yes ? AT_RECURSIVE : 0));

	if (fd < 0) return err_sys(err, "cannot open %s", args[0].str);
	if (take_root(ctx, fd, "/", err) < 0) return -1;
	(void)fd_take(&fd);
	return 0;
}

/* Onto the container's own root nothing may be mounted: what is there already would be hidden, not shielded. */
static int check_target(struct ctx *ctx, int target, const char *path, struct err *err) {
	struct stat here;

	if (fstat(target, &here) < 0) return err_sys(err, "cannot look at %s", path);
	if (here.st_dev == ctx->root_device && here.st_ino == ctx->root_inode) return err_set(err, EBUSY, "%s is the container's root", path);
	return 0;
}

/* 0 no, 1 a folder, 2 a file, 3 what the mounted thing is. */
static enum make make_kind(uint64_t kind, int fd) {
	struct stat info;

	if (kind == 3) kind = fstat(fd, &info) == 0 && S_ISDIR(info.st_mode) ? 1 : 2;
	return kind == 2 ? MAKE_FILE : kind == 1 ? MAKE_FOLDER : MAKE_NOTHING;
}

static uint32_t mode_of(enum make make) {
	return make == MAKE_FILE ? 0644 : 0755;
}

int step_mount(struct ctx *ctx, const struct node *args, struct err *err) {
	const char *path = args[1].str;
	int fd = slot_get(ctx, args[0].number, err);
	autofd target = -1;
	enum make make;

	if (fd < 0) return -1;
	make = make_kind(args[2].number, fd);
	target = (args[3].yes ? inside_make_nosymlink : inside_make)(ctx, path, make, mode_of(make), err);
	if (target < 0) return -1;
	if (check_target(ctx, target, path, err) < 0) return -1;
	if (sys_move_mount(fd, target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0) return err_sys(err, "cannot mount onto %s", path);
	return 0;
}

int step_attr(struct ctx *ctx, const struct node *args, struct err *err) {
	struct core_mount_attr attr = { args[1].number, args[2].number, args[3].number, 0 };
	autofd fd = inside_open(ctx, args[0].str, O_PATH, 0, err);

	if (fd < 0) return -1;
	if (sys_mount_setattr(fd, "", AT_EMPTY_PATH | (args[4].yes ? AT_RECURSIVE : 0), &attr) < 0)
		return err_sys(err, "cannot change the attributes of %s", args[0].str);
	return 0;
}

/* What masks: looked up or made for the first file and folder, shared by the later ones. */
struct masks {
	int null, empty;
};

/* Without a /dev/null of the container's own it is the machine's, whose mode and owner are not the container's to change. */
static int machine_null(void) {
	struct core_mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC };
	autofd fd = sys_open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0 || sys_mount_setattr(fd, "", AT_EMPTY_PATH, &attr) < 0) return -1;
	return fd_take(&fd);
}

static int mask_file(struct ctx *ctx, struct masks *masks) {
	if (masks->null < 0) masks->null = inside_null(ctx, O_PATH);
	return masks->null < 0 ? machine_null() : sys_open_tree(masks->null, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
}

static int mask_folder(struct masks *masks) {
	autofd fs = -1;

	if (masks->empty >= 0) return sys_open_tree(masks->empty, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	fs = sys_fsopen("tmpfs");
	if (fs < 0 || sys_fsconfig(fs, CORE_FSCONFIG_CREATE, NULL, NULL, 0) < 0) return -1;
	return sys_fsmount(fs, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

static int mask_one(struct ctx *ctx, struct masks *masks, int target, const char *path, struct err *err) {
	struct stat info;
	autofd fd = -1;

	if (fstat(target, &info) < 0) return err_sys(err, "cannot look at %s", path);
	fd = S_ISDIR(info.st_mode) ? mask_folder(masks) : mask_file(ctx, masks);
	if (fd < 0) return err_sys(err, "cannot make the mask of %s", path);
	if (sys_move_mount(fd, target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0) return err_sys(err, "cannot mask %s", path);
	if (S_ISDIR(info.st_mode) && masks->empty < 0) masks->empty = fd_take(&fd);
	return 0;
}

int step_mask(struct ctx *ctx, const struct node *args, struct err *err) {
	const struct node *paths = &args[0];
	struct masks masks = { -1, -1 };

	for (uint32_t i = 0; i < paths->len; i++) {
		autofd target = inside_open(ctx, paths->items[i].str, O_PATH, 0, err);

		if (target < 0 && (err->num == ENOENT || err->num == ENOTDIR)) continue;
		if (target < 0 || mask_one(ctx, &masks, target, paths->items[i].str, err) < 0) return -1;
	}
	fd_close(&masks.null);
	fd_close(&masks.empty);
	return 0;
}

int step_readonly(struct ctx *ctx, const struct node *args, struct err *err) {
	struct core_mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	const struct node *paths = &args[0];

	for (uint32_t i = 0; i < paths->len; i++) {
		const char *path = paths->items[i].str;
		autofd target = inside_open(ctx, path, O_PATH, 0, err), fd = -1;

		if (target < 0 && (err->num == ENOENT || err->num == ENOTDIR)) continue;
		if (target < 0) return -1;
		fd = sys_open_tree(target, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
		if (fd < 0) return err_sys(err, "cannot open %s", path);
		if (sys_mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0 ||
		    sys_move_mount(fd, target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
			return err_sys(err, "cannot make %s read-only", path);
	}
	return 0;
}
