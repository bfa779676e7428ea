/* Calls clone3 with a stack of the child's own: flags and a function come in, a pid goes out. Called by launch.c and exec.c.
 * With CLONE_VM the child writes to the caller's memory while that sleeps, which is how it reports a failure. */
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

#if defined(__x86_64__)
static long clone3_on_stack(struct core_clone_args *args, int (*run)(void *), void *arg) {
	register int (*fn)(void *) __asm__("r8") = run;
	register void *value __asm__("r9") = arg;
	long ret;

	__asm__ volatile("syscall\n\t"
	                 "test %%rax, %%rax\n\t"
	                 "jnz 1f\n\t"
	                 "xor %%ebp, %%ebp\n\t"
	                 "mov %%r9, %%rdi\n\t"
	                 "call *%%r8\n\t"
	                 "mov %%eax, %%edi\n\t"
	                 "mov %[exit], %%eax\n\t"
	                 "syscall\n\t"
	                 "hlt\n"
	                 "1:"
	                 : "=a"(ret)
	                 : "a"((long)SYS_clone3), "D"(args), "S"(sizeof *args), "r"(fn), "r"(value), [exit] "i"(SYS_exit_group)
	                 : "rcx", "r11", "memory", "cc");
	return ret;
}
#elif defined(__aarch64__)
static long clone3_on_stack(struct core_clone_args *args, int (*run)(void *), void *arg) {
	register long number __asm__("x8") = SYS_clone3;
	register long first __asm__("x0") = (long)args;
	register long size __asm__("x1") = sizeof *args;
	register int (*fn)(void *) __asm__("x10") = run;
	register void *value __asm__("x11") = arg;

	__asm__ volatile("svc #0\n\t"
	                 "cbnz x0, 1f\n\t"
	                 "mov x29, #0\n\t"
	                 "mov x0, x11\n\t"
	                 "blr x10\n\t"
	                 "mov x8, %[exit]\n\t"
	                 "svc #0\n"
	                 "1:"
	                 : "+r"(first)
	                 : "r"(number), "r"(size), "r"(fn), "r"(value), [exit] "i"(SYS_exit_group)
	                 : "memory", "cc");
	return first;
}
#endif

static long clone_plain(struct core_clone_args *args, const struct clone_request *request) {
	long pid = syscall(SYS_clone3, args, sizeof *args);

	if (pid == 0) _exit(request->run(request->arg));
	return pid;
}

static long clone_sleeping(struct core_clone_args *args, const struct clone_request *request) {
#if CLONE_CAN_SLEEP
	long ret;

	args->flags |= CLONE_VM | CLONE_VFORK;
	args->stack = (uint64_t)(uintptr_t)request->stack;
	args->stack_size = request->stack_size;
	ret = clone3_on_stack(args, request->run, request->arg);
	if (ret >= 0) return ret;
	errno = (int)-ret;
	return -1;
#else
	/* Callers ask for `plain` here: a child with memory of its own could not report by writing to ours. */
	(void)args;
	(void)request;
	errno = ENOSYS;
	return -1;
#endif
}

int clone_child(const struct clone_request *request, struct err *err) {
	struct core_clone_args args = { .flags = request->flags, .exit_signal = SIGCHLD };
	autofd group = -1;
	long pid;

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
	pid = request->plain ? clone_plain(&args, request) : clone_sleeping(&args, request);
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
