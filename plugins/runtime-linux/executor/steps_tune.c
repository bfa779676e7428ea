/* The steps about how a process is run: personality, scheduler, io priority, cpus, memory policy. All are the calling thread's
 * own, so a sleeping monitor keeps its. Called through the table in ops.c, and for the monitor's cpus by exec_launch.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/personality.h>

#include "step.h"
#include "sys.h"

int step_personality(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)ctx;
	return personality((unsigned long)args[0].number) < 0 ? err_sys(err, "cannot set the personality") : 0;
}

/* struct sched_attr of linux/sched/types.h, which libc may define or not. */
struct schedule {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

int step_scheduler(struct ctx *ctx, const struct node *args, struct err *err) {
	struct schedule schedule = {
		.size = sizeof schedule, .policy = (uint32_t)args[0].number, .flags = args[1].number,
		.nice = (int32_t)(args[2].type == NODE_INT ? args[2].negative : (int64_t)args[2].number),
		.priority = (uint32_t)args[3].number, .runtime = args[4].number, .deadline = args[5].number, .period = args[6].number,
	};

	(void)ctx;
	return syscall(SYS_sched_setattr, 0, &schedule, 0) == 0 ? 0 : err_sys(err, "cannot set the scheduler");
}

int step_ioprio(struct ctx *ctx, const struct node *args, struct err *err) {
	enum { WHO_PROCESS = 1, CLASS_SHIFT = 13 };

	(void)ctx;
	if (syscall(SYS_ioprio_set, WHO_PROCESS, 0, (int)(args[0].number << CLASS_SHIFT | args[1].number)) == 0) return 0;
	return err_sys(err, "cannot set the io priority");
}

int step_affinity(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)ctx;
	return syscall(SYS_sched_setaffinity, 0, (unsigned)args[0].len, args[0].str) < 0 ? err_sys(err, "cannot choose the cpus") : 0;
}

int step_mempolicy(struct ctx *ctx, const struct node *args, struct err *err) {
	const void *nodes = args[1].len ? args[1].str : NULL;
	unsigned long bits = args[1].len ? args[1].len * 8UL + 1 : 0;

	(void)ctx;
	return syscall(SYS_set_mempolicy, (int)args[0].number, nodes, bits) == 0 ? 0 : err_sys(err, "cannot set the memory policy");
}
