/* The steps about namespaces and limits of the process: join, setns, names, sysctls, rlimits, session. Called through ops.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "step.h"
#include "sys.h"
#include "util.h"

int step_join(struct ctx *ctx, const struct node *args, struct err *err) {
	int fd = slot_get(ctx, args[0].number, err);

	if (fd < 0) return -1;
	return write(fd, "0", 1) == 1 ? 0 : err_sys(err, "cannot join the group of slot %d", (int)args[0].number);
}

int step_unshare(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)ctx;
	return unshare((int)args[0].number) == 0 ? 0 : err_sys(err, "cannot make the namespaces");
}

int step_setns(struct ctx *ctx, const struct node *args, struct err *err) {
	int fd = slot_get(ctx, args[0].number, err);

	if (fd < 0) return -1;
	return setns(fd, (int)args[1].number) == 0 ? 0 : err_sys(err, "cannot join the namespace of slot %d", (int)args[0].number);
}

int step_hostname(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)ctx;
	return sethostname(args[0].str, args[0].len) == 0 ? 0 : err_sys(err, "cannot set the host name");
}

int step_domainname(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)ctx;
	return setdomainname(args[0].str, args[0].len) == 0 ? 0 : err_sys(err, "cannot set the domain name");
}

int step_loopback(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)args;
	return ctx->loopback ? 0 : loopback_up(err);
}

int loopback_up(struct err *err) {
	autofd fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo" };

	if (fd < 0) return err_sys(err, "cannot open a socket");
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	return ioctl(fd, SIOCSIFFLAGS, &request) == 0 ? 0 : err_sys(err, "cannot bring lo up");
}

/* net.ipv4.ip_forward and net/ipv4/ip_forward are the same; in the second form a dot stays a dot. */
int step_sysctl(struct ctx *ctx, const struct node *args, struct err *err) {
	bool slashes = strchr(args[0].str, '/') != NULL;
	char path[256] = "sys/";

	if (args[0].len == 0 || args[0].len > sizeof path - 5) return err_set(err, EINVAL, "no such sysctl");
	memcpy(path + 4, args[0].str, args[0].len + 1);
	for (char *at = path + 4; *at && !slashes; at++)
		if (*at == '.') *at = '/';
	if (strstr(path, "..") || strstr(path, "//")) return err_set(err, EINVAL, "no such sysctl");
	return proc_write(ctx, path, args[1].str, err);
}

int step_rlimit(struct ctx *ctx, const struct node *args, struct err *err) {
	uint64_t limits[2] = { args[1].number, args[2].number };

	(void)ctx;
	if (syscall(SYS_prlimit64, 0, (int)args[0].number, limits, NULL) == 0) return 0;
	return err_sys(err, "cannot set resource limit %d", (int)args[0].number);
}

/* Done ahead by oom_score_set: later the process may be a mapped root, to whom its own file does not belong. */
int step_oom(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)ctx;
	(void)args;
	(void)err;
	return 0;
}

int oom_score_set(const struct steps *steps, int pid, struct err *err) {
	const struct step *step = steps->list, *end = step + steps->count;
	char path[48], number[24];
	struct text name = TEXT(path), score = TEXT(number);
	autofd fd = -1;

	while (step < end && step->op->run != step_oom) step++;
	if (step == end) return 0;
	text_add(&name, "/proc/");
	if (pid) text_add_number(&name, pid);
	else text_add(&name, "self");
	text_add(&name, "/oom_score_adj");
	text_add_number(&score, step->args[0].type == NODE_INT ? step->args[0].negative : (int64_t)step->args[0].number);
	fd = openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, number, score.len) == (ssize_t)score.len) return 0;
	err->index = (int)(step - steps->list);
	err->step = "oom";
	return err_sys(err, "cannot set the OOM score");
}

/* A security module's label for what the process will execute: apparmor/exec, exec. */
int step_attribute(struct ctx *ctx, const struct node *args, struct err *err) {
	char path[128];
	struct text text = TEXT(path);

	text_add(&text, "self/attr/");
	text_add(&text, args[0].str);
	if (text.over || strstr(path, "..")) return err_set(err, EINVAL, "no such attribute");
	return proc_write(ctx, path, args[1].str, err);
}

/* /dev/null of the container's own; where it has none, a pipe that is at its end. Never the machine's node, whose mode
 * root in the container could change through the descriptor. */
static int open_empty(struct ctx *ctx) {
	int ends[2], fd = inside_null(ctx, O_RDWR);

	if (fd >= 0) return fd;
	if (pipe2(ends, O_CLOEXEC) < 0) return -1;
	close(ends[1]);
	return ends[0];
}

static int put_stdio(struct ctx *ctx, struct err *err) {
	int empty = -1;

	for (int fd = 0; fd < 3; fd++) {
		int from = ctx->tty >= 0 ? ctx->tty : ctx->stdio[fd];

		/* The null device that a caller hands on is the machine's. */
		if (from >= 0 && null_device(from)) from = -1;
		if (from < 0 && empty < 0) empty = open_empty(ctx);
		if (from < 0) from = empty;
		if (from < 0 || dup2(from, fd) < 0) return err_sys(err, "cannot set descriptor %d", fd);
	}
	fd_close(&empty);
	return 0;
}

int step_session(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)args;
	if (setsid() < 0) return err_sys(err, "setsid");
	if (ctx->io->terminal) {
		if (terminal_open(ctx, err) < 0) return -1;
		if (ioctl(ctx->tty, TIOCSCTTY, 0) < 0) return err_sys(err, "cannot take the terminal");
	}
	return put_stdio(ctx, err);
}
