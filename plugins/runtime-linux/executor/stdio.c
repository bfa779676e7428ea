/* Makes the pipes or the terminal of a process: an io plan comes in, the child's and the monitor's ends go out.
 * Called by launch.c and exec_launch.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fdpass.h"
#include "launch.h"
#include "sys.h"
#include "util.h"

/* One pipe; our end does not block. `ours` is 0 for reading, 1 for writing. */
static int open_pipe(int *child, int *monitor, int ours, struct err *err) {
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0) return err_sys(err, "cannot make a pipe");
	*monitor = ends[ours];
	*child = ends[!ours];
	return fcntl(ends[ours], F_SETFL, O_NONBLOCK) < 0 ? err_sys(err, "cannot make a pipe non-blocking") : 0;
}

/* A user namespace can hand on only what belongs to one of its ids. */
static int own_pipes(const struct io_plan *io, const struct stdio *stdio, struct err *err) {
	if (!io->owned) return 0;
	for (int i = 0; i < 3; i++)
		if (stdio->child[i] >= 0 && fchown(stdio->child[i], io->uid, io->gid) < 0) return err_sys(err, "cannot hand over a pipe");
	return 0;
}

static bool is_pipe(int fd) {
	struct stat info;

	return fstat(fd, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
}

/* Copies above the descriptors the process gets by number; one that the caller had closed becomes /dev/null. */
static int inherit_stdio(const struct io_plan *io, struct stdio *stdio, struct err *err) {
	for (int fd = 0; fd < 3; fd++) {
		stdio->child[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 3 + (int)io->fds);
		if (stdio->child[fd] < 0 && errno != EBADF) return err_sys(err, "cannot copy descriptor %d", fd);
		/* A caller's file may refuse; then the process has to live with what it may do. */
		if (io->owned && stdio->child[fd] >= 0 && is_pipe(fd)) (void)fchown(fd, io->uid, io->gid);
	}
	return 0;
}

int stdio_open(const struct io_plan *io, struct stdio *stdio, struct process *out, struct err *err) {
	out->terminal = io->terminal;
	if (io->terminal) {
		if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, stdio->console) < 0) return err_sys(err, "cannot make a socket");
		return 0;
	}
	if (io->inherit) return inherit_stdio(io, stdio, err);
	if (io->stdin_open && open_pipe(&stdio->child[0], &out->in, 1, err) < 0) return -1;
	if (open_pipe(&stdio->child[1], &out->out, 0, err) < 0) return -1;
	if (open_pipe(&stdio->child[2], &out->err, 0, err) < 0) return -1;
	return own_pipes(io, stdio, err);
}

static int take_master(struct stdio *stdio, struct process *out, struct err *err) {
	out->out = fd_receive(stdio->console[0]);
	if (out->out < 0) return err_set(err, EPROTO, "the terminal did not arrive; is there a session step?");
	if (fcntl(out->out, F_SETFL, O_NONBLOCK) < 0) return err_sys(err, "cannot make the terminal non-blocking");
	out->in = out->out;
	return 0;
}

int stdio_settle(const struct io_plan *io, struct stdio *stdio, struct process *out, struct err *err) {
	int ret = io->terminal ? take_master(stdio, out, err) : 0;

	stdio_close(stdio);
	return ret;
}

void stdio_close(struct stdio *stdio) {
	for (int i = 0; i < 3; i++) fd_close(&stdio->child[i]);
	fd_close(&stdio->console[0]);
	fd_close(&stdio->console[1]);
}

void process_end(struct process *process) {
	siginfo_t info;

	if (process->pidfd >= 0) {
		(void)sys_pidfd_send_signal(process->pidfd, SIGKILL);
		while (waitid((idtype_t)3 /* P_PIDFD */, (id_t)process->pidfd, &info, WEXITED) < 0 && errno == EINTR) continue;
	} else if (process->pid > 0) {
		(void)kill(process->pid, SIGKILL);
		while (waitid(P_PID, (id_t)process->pid, &info, WEXITED) < 0 && errno == EINTR) continue;
	}
	if (process->in == process->out) process->in = -1;
	fd_close(&process->in);
	fd_close(&process->out);
	fd_close(&process->err);
	fd_close(&process->pidfd);
	process->pid = 0;
}

int outcome_settle(struct outcome *outcome, struct process *process, struct err *err) {
	siginfo_t info = { 0 };

	if (outcome->failed) {
		*err = outcome->err;
		return -1;
	}
	if (outcome->executing) return 0;
	if (process->pid > 0 && waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOWAIT) < 0) return err_sys(err, "the process was lost");
	err->step = "clone";
	return err_set(err, EIO, "the process was ended by signal %d while it was set up", info.si_status);
}
