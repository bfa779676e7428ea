/* The clone of containers and execs. */
#ifndef CORE_CLONE_H
#define CORE_CLONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* Elsewhere every child is a plain fork. */
#if defined(__x86_64__) || defined(__aarch64__)
#define CLONE_CAN_SLEEP 1
#else
#define CLONE_CAN_SLEEP 0
#endif

enum { CHILD_STACK = 128 * 1024 };

struct clone_request {
	uint64_t flags;        /* CLONE_NEW* and the like */
	const char *cgroup;    /* a v2 folder to be born in, or NULL */
	struct err *refusal;   /* with `cgroup`: where a child that has to go there itself says why it could not, in memory both see, */
	int (*refused)(void *arg); /* and what it does then in place of `run` */
	bool plain;            /* a fork with memory of its own; otherwise the caller sleeps until the child executes or ends */
	bool sibling;          /* the child of the caller's own parent; then there is no pidfd */
	void *stack;           /* unless plain */
	size_t stack_size;
	int (*run)(void *arg); /* its result is the child's exit status */
	void *arg;
	int *pidfd;            /* where to put it, or NULL */
	int *pid;              /* where the kernel writes the child's pid before the child runs, or NULL: known even when the caller is killed */
};

/* The child's pid as the caller sees it. */
int clone_child(const struct clone_request *request, struct err *err);
/* A stack for clone_child; NULL when memory is out. */
void *stack_open(void);
void stack_free(void *stack);

#endif
