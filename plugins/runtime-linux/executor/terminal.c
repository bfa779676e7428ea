/* Opens the container's terminal in its own devpts and sends the master to the monitor. Called by `console` and `session`. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "fdpass.h"
#include "step.h"
#include "sys.h"
#include "util.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

/* The folder is checked to be a devpts, in which `ptmx` can be nothing else. */
static int open_master(struct ctx *ctx, struct err *err) {
	autofd folder = inside_open(ctx, "/dev/pts", O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS, err);
	struct statfs fs;
	int fd;

	if (folder < 0) return -1;
	if (fstatfs(folder, &fs) < 0 || (uint64_t)fs.f_type != DEVPTS_MAGIC) return err_set(err, ENODEV, "/dev/pts is no devpts");
	fd = openat(folder, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "cannot open /dev/pts/ptmx") : fd;
}

int terminal_open(struct ctx *ctx, struct err *err) {
	struct winsize size = { .ws_row = ctx->io->rows, .ws_col = ctx->io->cols };
	autofd master = -1;
	int unlock = 0;

	if (ctx->tty >= 0) return 0;
	master = open_master(ctx, err);
	if (master < 0) return -1;
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0) return err_sys(err, "cannot unlock the terminal");
	if (size.ws_row && size.ws_col && ioctl(master, TIOCSWINSZ, &size) < 0) return err_sys(err, "cannot set the terminal's size");
	ctx->tty = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (ctx->tty < 0) return err_sys(err, "cannot open the terminal");
	return fd_send(ctx->console, master, err);
}

int step_console(struct ctx *ctx, const struct node *args, struct err *err) {
	autofd target = -1, fd = -1;

	if (!ctx->io->terminal) return 0;
	if (terminal_open(ctx, err) < 0) return -1;
	target = inside_make(ctx, args[0].str, MAKE_FILE, 0620, err);
	if (target < 0) return -1;
	fd = sys_open_tree(ctx->tty, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (fd < 0) return err_sys(err, "cannot open the terminal as a mount");
	if (sys_move_mount(fd, target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_sys(err, "cannot mount the terminal onto %s", args[0].str);
	return 0;
}
