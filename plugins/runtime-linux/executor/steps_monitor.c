/* The steps a monitor carries out on the machine: folders, files, mounts to hand on. Called through the table in ops.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>

#include "groups.h"
#include "listener.h"
#include "step.h"
#include "sys.h"
#include "util.h"
#include "workdir.h"

/* `write` with the optional flag is told by the list's own count, as arguments after the last are not ours to read. */
static bool has_flag(const struct ctx *ctx, uint32_t at) {
	const struct step *step = &ctx->steps->list[ctx->at];

	return step->argc > at && step->args[at].yes;
}

int step_mkdir(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)ctx;
	if (mkdir(args[0].str, (mode_t)args[1].number) == 0 || errno == EEXIST) return 0;
	return err_sys(err, "cannot make %s", args[0].str);
}

int step_workdir(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)ctx;
	return workdir_take(args[0].str, err);
}

int step_chown(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)ctx;
	if (lchown(args[0].str, (uid_t)args[1].number, (gid_t)args[2].number) == 0) return 0;
	return err_sys(err, "cannot change the owner of %s", args[0].str);
}

int step_write(struct ctx *ctx, const struct node *args, struct err *err) {
	autofd fd = openat(AT_FDCWD, args[0].str, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, args[1].str, args[1].len) == (ssize_t)args[1].len) return 0;
	if (has_flag(ctx, 2) && (errno == ENOENT || errno == EACCES || errno == EINVAL)) return 0;
	return err_sys(err, "cannot write to %s", args[0].str);
}

int step_open(struct ctx *ctx, const struct node *args, struct err *err) {
	int fd = openat(AT_FDCWD, args[1].str, (int)args[2].number | O_CLOEXEC, 0600);

	if (fd < 0) return err_sys(err, "cannot open %s", args[1].str);
	return slot_fill(ctx, args[0].number, fd, err);
}

/* The monitor stays in the machine's namespace over consecutive `tree` steps and is brought back by what follows. */
static int machine_enter(struct ctx *ctx, struct err *err) {
	autofd own = -1;

	/* An executor for one request never left the machine's. */
	if (ctx->own_ns >= 0 || ctx->machine_ns < 0) return 0;
	own = openat(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (own < 0) return err_sys(err, "cannot open the own mount namespace");
	if (setns(ctx->machine_ns, CLONE_NEWNS) < 0) return err_sys(err, "cannot enter the machine's mount namespace");
	ctx->own_ns = fd_take(&own);
	return 0;
}

int machine_leave(struct ctx *ctx, struct err *err) {
	if (ctx->own_ns < 0) return 0;
	if (setns(ctx->own_ns, CLONE_NEWNS) < 0) return err_sys(err, "cannot leave the machine's mount namespace");
	fd_close(&ctx->own_ns);
	return 0;
}

static int tree_open(struct ctx *ctx, const struct node *args, struct err *err) {
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (args[2].yes ? AT_RECURSIVE : 0) | (args[4].yes ? 0 : AT_SYMLINK_NOFOLLOW);
	struct core_mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	autofd fd = sys_open_tree(AT_FDCWD, args[1].str, flags);

	if (fd < 0) return err_sys(err, "cannot open %s", args[1].str);
	if (args[3].yes) {
		int userns = ctx->steps->list[ctx->at].argc > 5 ? slot_get(ctx, args[5].number, err) : ctx->userns;

		if (userns < 0) return err_set(err, EINVAL, "an idmapped tree belongs into \"mapped\", or names a user namespace");
		attr.userns_fd = (uint64_t)userns;
		if (sys_mount_setattr(fd, "", AT_EMPTY_PATH | (args[2].yes ? AT_RECURSIVE : 0), &attr) < 0)
			return err_sys(err, "cannot map the ids of %s", args[1].str);
	}
	return slot_fill(ctx, args[0].number, fd_take(&fd), err);
}

int step_tree(struct ctx *ctx, const struct node *args, struct err *err) {
	const struct steps *steps = ctx->steps;
	bool again = ctx->at + 1 < steps->count && steps->list[ctx->at + 1].op->run == step_tree;
	int ret;

	if (machine_enter(ctx, err) < 0) return -1;
	ret = tree_open(ctx, args, err);
	if (ret == 0 && again) return 0;
	if (ret == 0) return machine_leave(ctx, err);
	(void)machine_leave(ctx, &(struct err)ERR_INIT);
	return ret;
}

/* Kept namespaces are mounts of the machine's, which the executor's own mount namespace does not have. */
static int namespace_open(struct ctx *ctx, const char *path, struct err *err) {
	int fd;

	if (machine_enter(ctx, err) < 0) return -1;
	fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) (void)err_sys(err, "cannot open the namespace %s", path);
	if (machine_leave(ctx, fd < 0 ? &(struct err)ERR_INIT : err) == 0) return fd;
	if (fd >= 0) close(fd);
	return -1;
}

int step_netns(struct ctx *ctx, const struct node *args, struct err *err) {
	const struct step *step = &ctx->steps->list[ctx->at];
	autofd fd = namespace_open(ctx, args[1].str, err);
	int type;

	if (fd < 0) return -1;
	type = ioctl(fd, CORE_NS_GET_NSTYPE);
	if (type < 0) return err_set(err, EINVAL, "%s is no namespace", args[1].str);
	if (step->argc > 2 && (uint64_t)type != args[2].number) return err_set(err, EINVAL, "%s is a namespace of another type", args[1].str);
	return slot_fill(ctx, args[0].number, fd_take(&fd), err);
}

/* A group stays busy for a moment after its last process has been reaped by someone else. */
int step_rmdir(struct ctx *ctx, const struct node *args, struct err *err) {
	struct timespec pause = { 0, 500000 };
	int64_t deadline = 0;

	(void)ctx;
	while (rmdir(args[0].str) < 0) {
		if (errno == ENOENT) return 0;
		if (errno != EBUSY) return err_sys(err, "cannot remove %s", args[0].str);
		groups_remove_below(args[0].str);
		if (!deadline) deadline = monotonic_ms() + 2000;
		if (monotonic_ms() > deadline) return err_set(err, EBUSY, "%s is still busy", args[0].str);
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 16000000) pause.tv_nsec *= 2;
	}
	return 0;
}

int step_unmount(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)ctx;
	/* EINVAL: nothing is mounted there. */
	if (umount2(args[0].str, MNT_DETACH | UMOUNT_NOFOLLOW) == 0 || errno == ENOENT || errno == EINVAL) return 0;
	return err_sys(err, "cannot unmount %s", args[0].str);
}

int step_unlink(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)ctx;
	if (unlink(args[0].str) == 0 || errno == ENOENT) return 0;
	return err_sys(err, "cannot remove %s", args[0].str);
}

int step_connect(struct ctx *ctx, const struct node *args, struct err *err) {
	int fd = unix_connect(args[1].str, err);

	return fd < 0 ? -1 : slot_fill(ctx, args[0].number, fd, err);
}

int step_fifo(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)ctx;
	return mkfifo(args[0].str, (mode_t)args[1].number) == 0 ? 0 : err_sys(err, "cannot make %s", args[0].str);
}

/* The two commands of bpf(2) that a device filter needs, with the fields of its union that they read. */
struct bpf_load {
	uint32_t type, count;
	uint64_t instructions, license;
	uint32_t log_level, log_size;
	uint64_t log;
	uint32_t kernel_version, flags;
};

struct bpf_attach {
	uint32_t target, program, type, flags;
};

int step_devices(struct ctx *ctx, const struct node *args, struct err *err) {
	enum { PROG_LOAD = 5, PROG_ATTACH = 8, TYPE_CGROUP_DEVICE = 15, ATTACH_DEVICE = 6, ALLOW_MULTI = 2 };
	struct bpf_load load = { .type = TYPE_CGROUP_DEVICE, .count = args[1].len / 8 };
	struct bpf_attach attach = { .type = ATTACH_DEVICE, .flags = ALLOW_MULTI };
	autofd group = openat(AT_FDCWD, args[0].str, O_RDONLY | O_DIRECTORY | O_CLOEXEC), program = -1;

	(void)ctx;
	if (group < 0) return err_sys(err, "cannot open %s", args[0].str);
	load.instructions = (uint64_t)(uintptr_t)args[1].str;
	load.license = (uint64_t)(uintptr_t)"GPL";
	program = (int)syscall(SYS_bpf, PROG_LOAD, &load, sizeof load);
	if (program < 0) return err_sys(err, "the kernel refuses the device program");
	attach.target = (uint32_t)group;
	attach.program = (uint32_t)program;
	if (syscall(SYS_bpf, PROG_ATTACH, &attach, sizeof attach) < 0) return err_sys(err, "cannot attach the device program to %s", args[0].str);
	return 0;
}
