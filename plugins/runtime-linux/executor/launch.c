/* Starts a container's first process: a checked plan comes in, a process with its stdio goes out. Called by the monitor. */
#define _GNU_SOURCE
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "clone.h"
#include "idmap.h"
#include "listener.h"
#include "step.h"
#include "sys.h"
#include "through.h"
#include "util.h"

/* What the child works on. A sleeping monitor's memory is the child's as well, so it gets copies of what it changes. */
enum { GATE_FDS = 250 }; /* the kernel takes 253 in one message */

struct birth {
	struct ctx ctx;
	const struct launch *launch;
	struct plan *plan;
	struct outcome *outcome;
	int netns;
	int slots[SLOTS];
	int gate[2]; /* plain forks only: [0] the monitor's end, [1] the child's */
};

static int child_run(void *arg);
static int child_fail(void *arg);

/* A child that talks with its executor cannot be one the executor sleeps for. */
static bool is_plain(const struct launch *launch, const struct plan *plan) {
	return plan->uid_map || plan->timens || plan->enter->len || plan->mapped.count || launch->sync || listener_step(&plan->setup) || !CLONE_CAN_SLEEP;
}

/* The mapped slots go over the gate as descriptors; the byte alone lets the child proceed. */
static int gate_open(struct birth *birth, const bool *before, struct err *err) {
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(GATE_FDS * sizeof(int))];
	} control = { 0 };
	uint8_t slots[GATE_FDS + 1] = { 0 };
	int fds[GATE_FDS], count = 0;
	struct iovec data = { slots, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	for (int slot = 0; slot < SLOTS; slot++) {
		if (before[slot] || birth->slots[slot] < 0) continue;
		if (count == GATE_FDS) return err_set(err, E2BIG, "more than %d mapped slots", GATE_FDS);
		slots[1 + count] = (uint8_t)slot;
		fds[count++] = birth->slots[slot];
	}
	slots[0] = (uint8_t)count;
	data.iov_len = (size_t)count + 1;
	if (count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
		memcpy(CMSG_DATA(&control.head), fds, (size_t)count * sizeof(int));
	}
	return sendmsg(birth->gate[0], &message, MSG_NOSIGNAL) < 0 ? err_sys(err, "cannot let the process proceed") : 0;
}

static int gate_wait(struct birth *birth, struct err *err) {
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(GATE_FDS * sizeof(int))];
	} control = { 0 };
	uint8_t slots[GATE_FDS + 1];
	int fds[GATE_FDS];
	struct iovec data = { slots, sizeof slots };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };

	if (recvmsg(birth->gate[1], &message, MSG_CMSG_CLOEXEC) < 1) return err_set(err, ECANCELED, "the monitor gave up");
	if (slots[0] && CMSG_FIRSTHDR(&message)) memcpy(fds, CMSG_DATA(&control.head), slots[0] * sizeof(int));
	for (int i = 0; i < slots[0]; i++) birth->slots[slots[1 + i]] = fds[i];
	return 0;
}

/* The monitor's part while a plain fork waits at the gate. */
static int settle_ids(struct birth *birth, struct ctx *monitor, int pid, struct err *err) {
	const struct plan *plan = birth->plan;
	autofd userns = -1;
	int ret;

	if (oom_score_set(&plan->setup, pid, err) < 0) return -1;
	if (plan->uid_map && userns_map(pid, plan->uid_map, plan->gid_map, err) < 0) return -1;
	if (!plan->mapped.count) return 0;
	if (plan->uid_map && (userns = userns_open(pid, err)) < 0) return -1;
	monitor->userns = userns;
	monitor->born = pid;
	ret = steps_run(monitor, &plan->mapped, err);
	monitor->userns = -1;
	return ret;
}

/* Until the child's end of the gate closes, which it does when it executes, is held or ends. What it says are names to wait for. */
static int attend(struct birth *birth, int pid, struct err *err) {
	char name[64];
	ssize_t got;

	while ((got = recv(birth->gate[0], name, sizeof name - 1, 0)) != 0) {
		if (got < 0 && errno == EINTR) continue;
		if (got < 0) return err_sys(err, "cannot hear the process");
		name[got] = 0;
		if (name[0] == LISTENER_WORD) {
			if (listener_attend(&birth->plan->setup, birth->slots, &(struct origin){ pid, atoi(name + 1) }, err) < 0) return -1;
		} else if (birth->launch->sync && birth->launch->sync(birth->launch->arg, name, pid, err) < 0) return -1;
		if (send(birth->gate[0], "g", 1, MSG_NOSIGNAL) < 0) return err_sys(err, "cannot let the process proceed");
	}
	return 0;
}

static int tend_plain(struct birth *birth, struct ctx *monitor, int pid, struct err *err) {
	bool before[SLOTS];

	for (int i = 0; i < SLOTS; i++) before[i] = birth->slots[i] >= 0;
	fd_close(&birth->gate[1]);
	if (settle_ids(birth, monitor, pid, err) < 0 || gate_open(birth, before, err) < 0) return -1;
	return attend(birth, pid, err);
}

/* A new time namespace takes its offsets before the first process is in it: children of the monitor are born in it. */
static int enter_timens(const char *offsets, int *back, struct err *err) {
	autofd own = openat(AT_FDCWD, "/proc/self/ns/time", O_RDONLY | O_CLOEXEC), fd = -1;

	err->step = "timens";
	if (own < 0 || unshare(CLONE_NEWTIME) < 0) return err_sys(err, "cannot make a time namespace");
	*back = fd_take(&own);
	err->step = "";
	if (!*offsets) return 0;
	err->step = "timens";
	fd = openat(AT_FDCWD, "/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, offsets, strlen(offsets)) < 0) return err_sys(err, "cannot set the clocks");
	err->step = "";
	return 0;
}

/* Children are born in it; the monitor itself stays where it is. */
static int enter_pidns(int fd, int *back, struct err *err) {
	autofd own = openat(AT_FDCWD, "/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);

	err->step = "pidns";
	if (fd < 0) return err_set(err, EINVAL, "no step has filled the slot of \"pidns\"");
	if (own < 0 || setns(fd, CLONE_NEWPID) < 0) return err_sys(err, "cannot enter the pid namespace");
	*back = fd_take(&own);
	err->step = "";
	return 0;
}

static int give_birth(struct birth *birth, struct ctx *monitor, struct process *out, struct err *err) {
	struct plan *plan = birth->plan;
	bool plain = is_plain(birth->launch, plan);
	autofd time_back = -1, pid_back = -1;
	struct clone_request request = {
		.flags = plan->clone & ~(uint64_t)CLONE_NEWTIME & ~(uint64_t)(birth->netns >= 0 ? CLONE_NEWNET : 0), .cgroup = plan->cgroup, .plain = plain,
		.stack_size = CHILD_STACK, .run = child_run, .arg = birth, .pidfd = &out->pidfd, .refusal = &birth->outcome->err, .refused = child_fail,
	};
	int pid;

	if (plain && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, birth->gate) < 0) return err_sys(err, "cannot make a socket");
	if (plan->pidns >= 0 && enter_pidns(birth->slots[plan->pidns], &pid_back, err) < 0) return -1;
	if (plan->timens && enter_timens(plan->timens, &time_back, err) < 0) return -1;
	if (!plain && !(request.stack = stack_open())) return err_sys(err, "no memory for a stack");
	pid = plan->enter->len ? clone_through(&(struct through){ plan->enter, birth->slots, birth->outcome }, &request, err) : clone_child(&request, err);
	stack_free(request.stack);
	if (time_back >= 0) (void)setns(time_back, CLONE_NEWTIME);
	if (pid_back >= 0) (void)setns(pid_back, CLONE_NEWPID);
	if (pid < 0) return err_phase(err, plan->clone & CLONE_NEWUSER ? "newuser" : "clone");
	out->pid = pid;
	if (plain && tend_plain(birth, monitor, pid, err) < 0) return err_phase(err, "clone");
	return outcome_settle(birth->outcome, out, err);
}

static void birth_close(struct birth *birth) {
	for (int i = 0; i < SLOTS; i++) fd_close(&birth->slots[i]);
	fd_close(&birth->gate[0]);
	fd_close(&birth->gate[1]);
}

int launch_container(const struct launch *launch, struct plan *plan, struct process *out, struct err *err) {
	struct outcome *outcome = mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct stdio stdio = STDIO_INIT;
	struct birth birth = { .launch = launch, .plan = plan, .outcome = outcome, .netns = launch->netns, .gate = { -1, -1 } };
	struct ctx monitor = {
		.slots = birth.slots, .root = -1, .machine_ns = launch->machine_ns, .network = launch->network, .dir = plan->dir, .own_ns = -1, .userns = -1, .console = -1, .tty = -1, .init = -1,
	};
	int ret = -1;

	if (outcome == MAP_FAILED) return err_sys(err, "no memory");
	memset(birth.slots, 0xff, sizeof birth.slots);
	birth.ctx = (struct ctx){
		.command = &plan->command, .io = &plan->io, .dir = plan->dir, .root = -1, .machine_ns = -1, .own_ns = -1,
		.userns = -1, .tty = -1, .init = launch->init, .loopback = launch->netns >= 0, .executing = &outcome->executing,
		.once = launch->sync, .gate = -1, .result = -1,
	};
	outcome->err = (struct err)ERR_INIT;
	if (steps_run(&monitor, &plan->prepare, err) == 0 && stdio_open(&plan->io, &stdio, out, err) == 0) {
		memcpy(birth.ctx.stdio, stdio.child, sizeof stdio.child);
		birth.ctx.console = stdio.console[1];
		ret = give_birth(&birth, &monitor, out, err);
		if (ret == 0) ret = stdio_settle(&plan->io, &stdio, out, err);
	}
	(void)machine_leave(&monitor, &(struct err)ERR_INIT);
	stdio_close(&stdio);
	birth_close(&birth);
	munmap(outcome, sizeof *outcome);
	if (ret < 0) process_end(out);
	return ret;
}

int become_root(struct err *err) {
	if (syscall(SYS_setgroups, 0L, NULL) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
		return err_sys(err, "cannot become root of the user namespace");
	return 0;
}

/* In the child. Its descriptors and its memory end with it, so nothing is freed on the way out. */
static int child_run(void *arg) {
	struct birth *birth = arg;
	struct err *err = &birth->outcome->err;
	struct plan *plan = birth->plan;
	struct ctx ctx = birth->ctx;
	int slots[SLOTS], ret = 0;

	if (birth->gate[1] >= 0) {
		close(birth->gate[0]);
		ret = gate_wait(birth, err);
	} else ret = oom_score_set(&plan->setup, 0, err);
	if (ret == 0 && birth->netns >= 0 && setns(birth->netns, CLONE_NEWNET) < 0) ret = err_sys(err, "cannot enter the network namespace");
	if (ret == 0 && (plan->uid_map || plan->enters_userns)) ret = become_root(err);
	memcpy(slots, birth->slots, sizeof slots);
	ctx.slots = slots;
	ctx.gate = birth->gate[1];
	if (ret == 0) ret = steps_run(&ctx, &plan->setup, err);
	(void)child_fail(birth);
	if (ctx.result >= 0) held_failed(&ctx, err);
	return 127;
}

static int child_fail(void *arg) {
	struct birth *birth = arg;

	(void)err_phase(&birth->outcome->err, "clone");
	birth->outcome->failed = true;
	return 127;
}
