/* Bears a process with a stack of its own: flags and a function come in, a pid goes out. Called by launch.c and exec_launch.c.
 * With CLONE_VM the child writes to the caller's memory while that sleeps, which is how it reports a failure.
 *
 * clone3(2) does all of it. docker's profile and others answer it with ENOSYS, since a filter cannot see its flags: then it is clone(2), which
 * cannot put the child into a v2 group, and the child goes there first of all by itself. */
#define _GNU_SOURCE
#include "clone.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#include "sys.h"
#include "util.h"

#if defined(__SANITIZE_ADDRESS__)
void __asan_unpoison_memory_region(void const volatile *from, size_t size);
#define SANITIZER_FORGET(from, size) __asan_unpoison_memory_region(from, size)
#else
#define SANITIZER_FORGET(from, size) ((void)0)
#endif

/* A call that bears a process, by number and arguments. On the child's stack lie the function and its argument. */
struct birth_call {
	long number;
	long args[3];
};

#if defined(__x86_64__)
static long call_on_stack(const struct birth_call *call) {
	register long fourth __asm__("r10") = 0;
	register long fifth __asm__("r8") = 0;
	long ret;

	__asm__ volatile("syscall\n\t"
	                 "test %%rax, %%rax\n\t"
	                 "jnz 1f\n\t"
	                 "xor %%ebp, %%ebp\n\t"
	                 "pop %%rax\n\t"
	                 "pop %%rdi\n\t"
	                 "call *%%rax\n\t"
	                 "mov %%eax, %%edi\n\t"
	                 "mov %[exit], %%eax\n\t"
	                 "syscall\n\t"
	                 "hlt\n"
	                 "1:"
	                 : "=a"(ret)
	                 : "a"(call->number), "D"(call->args[0]), "S"(call->args[1]), "d"(call->args[2]), "r"(fourth), "r"(fifth), [exit] "i"(SYS_exit_group)
	                 : "rcx", "r11", "memory", "cc");
	return ret;
}
#elif defined(__aarch64__)
static long call_on_stack(const struct birth_call *call) {
	register long number __asm__("x8") = call->number;
	register long first __asm__("x0") = call->args[0];
	register long second __asm__("x1") = call->args[1];
	register long third __asm__("x2") = call->args[2];
	register long fourth __asm__("x3") = 0;
	register long fifth __asm__("x4") = 0;

	__asm__ volatile("svc #0\n\t"
	                 "cbnz x0, 1f\n\t"
	                 "mov x29, #0\n\t"
	                 "ldp x10, x0, [sp], #16\n\t"
	                 "blr x10\n\t"
	                 "mov x8, %[exit]\n\t"
	                 "svc #0\n"
	                 "1:"
	                 : "+r"(first)
	                 : "r"(number), "r"(second), "r"(third), "r"(fourth), "r"(fifth), [exit] "i"(SYS_exit_group)
	                 : "x10", "memory", "cc");
	return first;
}
#endif

#if CLONE_CAN_SLEEP
/* Where the child's stack begins, below its function and argument. */
static uintptr_t stack_lay(const struct clone_request *request) {
	uintptr_t *top = (uintptr_t *)((uintptr_t)request->stack + request->stack_size);

	top[-1] = (uintptr_t)request->arg;
	top[-2] = (uintptr_t)request->run;
	return (uintptr_t)(top - 2);
}

static long call_sleeping(const struct birth_call *call) {
	long ret = call_on_stack(call);

	if (ret >= 0) return ret;
	errno = (int)-ret;
	return -1;
}
#endif

static long clone_new(struct core_clone_args *args, const struct clone_request *request) {
	long pid;

#if CLONE_CAN_SLEEP
	if (!request->plain) {
		args->stack = (uint64_t)(uintptr_t)request->stack;
		args->stack_size = stack_lay(request) - (uintptr_t)request->stack;
		return call_sleeping(&(struct birth_call){ SYS_clone3, { (long)args, sizeof *args, 0 } });
	}
#endif
	pid = syscall(SYS_clone3, args, sizeof *args);
	if (pid == 0) _exit(request->run(request->arg));
	return pid;
}

/* The older call takes the signal among the flags, and puts either the pidfd or the pid where its third argument points. */
static long clone_old(const struct core_clone_args *args, const struct clone_request *request) {
	long flags = (long)(args->flags | args->exit_signal), out = (long)(args->flags & CLONE_PIDFD ? args->pidfd : args->parent_tid), pid;

#if CLONE_CAN_SLEEP
	if (!request->plain) return call_sleeping(&(struct birth_call){ SYS_clone, { flags, (long)stack_lay(request), out } });
#endif
#if defined(__s390x__)
	pid = syscall(SYS_clone, 0L, flags, out, 0L, 0L);
#else
	pid = syscall(SYS_clone, flags, 0L, out, 0L, 0L);
#endif
	if (pid == 0) _exit(request->run(request->arg));
	return pid;
}

/* A child that joins its group itself, where it cannot be born in it. */
struct latecomer {
	const struct clone_request *request;
	int procs;
};

static int join_late(void *arg) {
	const struct latecomer *late = arg;
	const struct clone_request *request = late->request;

	if (write(late->procs, "0", 1) == 1) return request->run(request->arg);
	(void)err_sys(request->refusal, "cannot join the group %s", request->cgroup);
	return request->refused(request->arg);
}

static bool has_no_clone3(void) {
	return errno == ENOSYS || errno == EPERM;
}

/* E2BIG is what a kernel says that knows a shorter struct, EINVAL one that does not know the flag. A real EINVAL comes again. */
static bool has_no_birth_in_group(void) {
	return has_no_clone3() || errno == E2BIG || errno == EINVAL;
}

static long clone_late(struct core_clone_args *args, const struct clone_request *request, int group) {
	autofd procs = openat(group, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	struct latecomer late = { request, procs };
	struct clone_request joining = *request;
	long pid;

	if (procs < 0) return -1;
	joining.run = join_late;
	joining.arg = &late;
	args->flags &= ~(uint64_t)CORE_CLONE_INTO_CGROUP;
	args->cgroup = 0;
	pid = clone_new(args, &joining);
	return pid < 0 && has_no_clone3() ? clone_old(args, &joining) : pid;
}

/* What the kernel, or a filter around us, does not know is done by what it knows. */
static long clone_somehow(struct core_clone_args *args, const struct clone_request *request, int group) {
	long pid = clone_new(args, request);

	if (pid < 0 && group >= 0 && has_no_birth_in_group()) return clone_late(args, request, group);
	if (pid < 0 && group < 0 && has_no_clone3()) return clone_old(args, request);
	return pid;
}

int clone_child(const struct clone_request *request, struct err *err) {
	struct core_clone_args args = { .flags = request->flags, .exit_signal = SIGCHLD };
	autofd group = -1;
	long pid;

	/* Callers ask for `plain` there: a child with memory of its own could not report by writing to ours. */
	if (!request->plain && !CLONE_CAN_SLEEP) return err_set(err, ENOSYS, "cannot make a process that is slept for");
	if (!request->plain) args.flags |= CLONE_VM | CLONE_VFORK;
	if (request->pidfd) {
		args.flags |= CLONE_PIDFD;
		args.pidfd = (uint64_t)(uintptr_t)request->pidfd;
	}
	if (request->pid) {
		args.flags |= CLONE_PARENT_SETTID;
		args.parent_tid = (uint64_t)(uintptr_t)request->pid;
	}
	if (request->sibling) {
		args.flags |= CLONE_PARENT;
		args.exit_signal = 0;
	}
	if (request->cgroup) {
		group = openat(AT_FDCWD, request->cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (group < 0) return err_sys(err, "cannot open the group %s", request->cgroup);
		args.flags |= CORE_CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)group;
	}
	pid = clone_somehow(&args, request, group);
	return pid < 0 ? err_sys(err, "cannot make the process") : (int)pid;
}

void *stack_open(void) {
	void *stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return stack == MAP_FAILED ? NULL : stack;
}

void stack_free(void *stack) {
	/* The frames on it never returned: without this the sanitizer holds them against whoever gets these pages next. */
	if (stack) SANITIZER_FORGET(stack, CHILD_STACK);
	if (stack) munmap(stack, CHILD_STACK);
}
