/* Starts a process in a running container: a checked exec plan and the pidfd of its first process come in, a process with
 * its stdio goes out. Called by the monitor. Joining a pid namespace only counts for children, hence two births: the first
 * joins and bears the second, a sibling of its own, so that the monitor is its parent. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "clone.h"
#include "launch.h"
#include "listener.h"
#include "step.h"
#include "sys.h"
#include "util.h"

struct visit {
	struct ctx ctx;
	struct exec_plan *plan;
	struct outcome *outcome;
	int first;
	void *stack;
	int slots[SLOTS];
};

static int joiner_run(void *arg);
static int joiner_fail(void *arg);

static int settle_pid(struct visit *visit, struct process *out, int joiner, struct err *err) {
	struct outcome *outcome = visit->outcome;

	if (!outcome->pid) return outcome_settle(outcome, out, err);
	/* The first birth has done its work; the second is our child as well, and cannot be reaped by anybody else. */
	process_end(&(struct process){ joiner, out->pidfd, -1, -1, -1, false });
	out->pid = outcome->pid;
	out->pidfd = sys_pidfd_open(outcome->pid);
	if (out->pidfd < 0) return err_sys(err, "cannot open the process");
	return outcome_settle(outcome, out, err);
}

/* All it may say is that its filter has a listener. */
static int attend(struct visit *visit, int gate, struct err *err) {
	char word[64];
	ssize_t got;

	while ((got = read(gate, word, sizeof word - 1)) != 0) {
		struct origin origin = { .pid = visit->outcome->pid, .number = 0 };

		if (got < 0 && errno == EINTR) continue;
		if (got < 0) return err_sys(err, "cannot hear the process");
		word[got] = 0;
		origin.number = atoi(word + 1);
		if (listener_attend(&visit->plan->steps, visit->slots, &origin, err) < 0) return -1;
		if (write(gate, "g", 1) < 0) return err_sys(err, "cannot let the process proceed");
	}
	return 0;
}

static int visit_start(struct visit *visit, struct process *out, struct err *err) {
	struct exec_plan *plan = visit->plan;
	bool plain = plan->namespaces & CLONE_NEWTIME || plan->listener || !CLONE_CAN_SLEEP;
	struct clone_request request = { .cgroup = plan->cgroup, .plain = plain, .stack_size = CHILD_STACK, .run = joiner_run, .arg = visit, .pidfd = &out->pidfd, .refusal = &visit->outcome->err, .refused = joiner_fail };
	int gate[2] = { -1, -1 }, pid, heard = 0;

	if (!(request.stack = visit->stack = stack_open())) return err_sys(err, "no memory for a stack");
	if (plain && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, gate) < 0) return err_sys(err, "cannot make a socket");
	visit->ctx.gate = gate[1];
	pid = clone_child(&request, err);
	fd_close(&gate[1]);
	/* A plain fork is waited for by its end of the gate, which closes at exec. */
	if (plain && pid > 0) heard = attend(visit, gate[0], err);
	fd_close(&gate[0]);
	/* When the first was killed in its sleep, the second still stands on the stack. */
	if (visit->outcome->pid && !visit->outcome->executing) (void)kill(visit->outcome->pid, SIGKILL);
	stack_free(visit->stack);
	if (pid < 0) return -1;
	out->pid = pid;
	return heard < 0 ? -1 : settle_pid(visit, out, pid, err);
}

/* The child is born on the cpus its maker is on; 1024 bytes are more cpus than any kernel is built for. */
static int visit_from(struct visit *visit, struct process *out, struct err *err) {
	const struct node *cpus = visit->plan->affinity;
	unsigned long before[1024 / sizeof(long)];
	long size = 0;
	int ret;

	if (!cpus) return visit_start(visit, out, err);
	size = syscall(SYS_sched_getaffinity, 0, sizeof before, before);
	if (size < 0 || step_affinity(NULL, cpus, err) < 0) {
		err->step = "affinity";
		return size < 0 ? err_sys(err, "cannot learn the cpus") : -1;
	}
	ret = visit_start(visit, out, err);
	(void)syscall(SYS_sched_setaffinity, 0, (unsigned)size, before);
	return ret;
}

static int connect_listener(struct visit *visit, struct err *err) {
	const struct step *step = visit->plan->listener ? listener_step(&visit->plan->steps) : NULL;
	int fd;

	if (!step) return 0;
	fd = unix_connect(visit->plan->listener, err);
	return fd < 0 ? -1 : slot_fill(&visit->ctx, step->args[2].number, fd, err);
}

int launch_exec(const struct launch *launch, struct exec_plan *plan, int first, struct process *out, struct err *err) {
	struct outcome *outcome = mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct stdio stdio = STDIO_INIT;
	struct visit visit = { .plan = plan, .outcome = outcome, .first = first };
	int ret = -1;

	if (outcome == MAP_FAILED) return err_sys(err, "no memory");
	memset(visit.slots, 0xff, sizeof visit.slots);
	visit.ctx = (struct ctx){
		.command = &plan->command, .io = &plan->io, .slots = visit.slots, .root = -1, .machine_ns = -1, .own_ns = -1, .userns = -1,
		.tty = -1, .init = launch->init, .executing = &outcome->executing, .once = launch->sync, .gate = -1, .result = -1,
	};
	outcome->err = (struct err)ERR_INIT;
	if (connect_listener(&visit, err) == 0 && stdio_open(&plan->io, &stdio, out, err) == 0) {
		memcpy(visit.ctx.stdio, stdio.child, sizeof stdio.child);
		visit.ctx.console = stdio.console[1];
		ret = visit_from(&visit, out, err);
		if (ret == 0) ret = stdio_settle(&plan->io, &stdio, out, err);
	}
	stdio_close(&stdio);
	for (int i = 0; i < SLOTS; i++) fd_close(&visit.slots[i]);
	munmap(outcome, sizeof *outcome);
	if (ret == 0) return 0;
	process_end(out);
	return err_phase(err, "clone");
}

static int join_groups(const struct node *tasks, struct err *err) {
	for (uint32_t i = 0; i < tasks->len; i++) {
		autofd fd = openat(AT_FDCWD, tasks->items[i].str, O_WRONLY | O_CLOEXEC);

		if (fd < 0 || write(fd, "0", 1) != 1) return err_sys(err, "cannot join the group %s", tasks->items[i].str);
	}
	return 0;
}

static int fail(struct visit *visit, const char *phase) {
	(void)err_phase(&visit->outcome->err, phase);
	visit->outcome->failed = true;
	return 127;
}

/* It could not go to its group. */
static int joiner_fail(void *arg) {
	return fail(arg, "clone");
}

static int command_run(void *arg) {
	struct visit *visit = arg;

	(void)steps_run(&visit->ctx, &visit->plan->steps, &visit->outcome->err);
	return fail(visit, "exec");
}

/* In the first child: into the groups and namespaces, then on, or once more for a pid namespace. */
static int joiner_run(void *arg) {
	struct visit *visit = arg;
	struct exec_plan *plan = visit->plan;
	struct err *err = &visit->outcome->err;
	/* The lower half of the stack is the second child's, while this one sleeps. */
	struct clone_request request = { .plain = !CLONE_CAN_SLEEP, .sibling = true, .pid = &visit->outcome->pid, .stack = visit->stack, .stack_size = CHILD_STACK / 2, .run = command_run, .arg = visit };

	if (join_groups(plan->tasks, err) < 0) return fail(visit, "tasks");
	if (oom_score_set(&plan->steps, 0, err) < 0) return fail(visit, "oom");
	if (plan->namespaces && setns(visit->first, (int)plan->namespaces) < 0) {
		(void)err_sys(err, "cannot join the container");
		return fail(visit, "setns");
	}
	if (plan->root >= 0 && (fchdir(plan->root) < 0 || chroot(".") < 0)) {
		(void)err_sys(err, "cannot enter the container's root");
		return fail(visit, "chroot");
	}
	if (plan->namespaces & CLONE_NEWUSER && become_root(err) < 0) return fail(visit, "setns");
	if (!(plan->namespaces & CLONE_NEWPID)) return command_run(visit);
	return clone_child(&request, err) < 0 ? fail(visit, "clone") : 0;
}
