/* Devices of a container in a user namespace, where nobody may make any: the machine's root makes them on a filesystem of their
 * own, from which the child takes them. Called through the table in ops.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "step.h"
#include "sys.h"
#include "util.h"

static const char NAME[] = "device";

/* The slot gets the filesystem, detached: a device's access is that of the user namespace which made its filesystem. */
int step_device(struct ctx *ctx, const struct node *args, struct err *err) {
	autofd fs = sys_fsopen("tmpfs"), mount = -1;
	mode_t mode = (mode_t)args[1].number;

	if (fs < 0 || sys_fsconfig(fs, CORE_FSCONFIG_STRING, "mode", "755", 0) < 0 || sys_fsconfig(fs, CORE_FSCONFIG_CREATE, NULL, NULL, 0) < 0)
		return err_sys(err, "cannot make a filesystem for a device");
	mount = sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (mount < 0) return err_sys(err, "cannot mount the filesystem of a device");
	if (mknodat(mount, NAME, mode, makedev((unsigned)args[2].number, (unsigned)args[3].number)) < 0 ||
	    fchownat(mount, NAME, (uid_t)args[4].number, (gid_t)args[5].number, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "cannot make the device %u:%u", (unsigned)args[2].number, (unsigned)args[3].number);
	return slot_fill(ctx, args[0].number, fd_take(&mount), err);
}

/* Of a detached mount kernels before 6.15 clone nothing, so it lies over the root for a moment. Lookups begin below it. */
static int take_node(struct ctx *ctx, int mount, struct err *err) {
	autofd fd = -1;

	if (sys_move_mount(mount, ctx->root, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0) return err_sys(err, "cannot mount the filesystem of a device");
	fd = sys_open_tree(mount, NAME, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd < 0) (void)err_sys(err, "cannot take the device");
	if (fchdir(mount) < 0 || umount2(".", MNT_DETACH) < 0 || fchdir(ctx->root) < 0) return err_sys(err, "cannot detach the filesystem of a device");
	return fd_take(&fd);
}

int step_mountnode(struct ctx *ctx, const struct node *args, struct err *err) {
	int mount = slot_get(ctx, args[0].number, err);
	autofd fd = -1, target = -1;

	if (mount < 0) return -1;
	if (ctx->root < 0) return err_set(err, EINVAL, "there is no root yet");
	fd = take_node(ctx, mount, err);
	if (fd < 0) return -1;
	target = inside_make(ctx, args[1].str, MAKE_FILE, 0644, err);
	if (target < 0) return -1;
	if (sys_move_mount(fd, target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0) return err_sys(err, "cannot mount onto %s", args[1].str);
	return 0;
}
