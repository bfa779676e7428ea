/* Starting a process: the container's first one, or an exec's. */
#ifndef CORE_LAUNCH_H
#define CORE_LAUNCH_H

#include "network.h"
#include "plan.h"

/* A running process as its monitor holds it. */
struct process {
	int pid, pidfd;
	int in, out, err; /* our ends; with a terminal `in` and `out` are its master; -1: none */
	bool terminal;
};

#define PROCESS_INIT { 0, -1, -1, -1, -1, false }

/* What the child tells, in memory it shares with the monitor. */
struct outcome {
	struct err err;
	bool failed, executing;
	int pid;
};

struct launch {
	int machine_ns; /* the machine's own mount namespace; -1: the executor is in it */
	int init;       /* the sealed memory file of the small init, or -1 */
	int netns;      /* a fresh network namespace to be used instead of making one, or -1; `lo` is up in it */
	struct network *network; /* filled by the step of that name; NULL: nobody would end it */
	/* Set by an executor that serves one request: what a child's `sync` waits for. */
	int (*sync)(void *arg, const char *name, int pid, struct err *err);
	void *arg;
};

/* Carries out `prepare`, the clone, `mapped` and `setup`. On failure the process is gone; the caller undoes the rest. */
int launch_container(const struct launch *launch, struct plan *plan, struct process *out, struct err *err);
/* Joins the container of `first` (a pidfd) and carries out the steps. */
int launch_exec(const struct launch *launch, struct exec_plan *plan, int first, struct process *out, struct err *err);

/* The two ends of a process's stdio; the child's are -1 where it gets /dev/null or the terminal. */
struct stdio {
	int child[3];
	int console[2]; /* the terminal's master comes over it */
};

#define STDIO_INIT { { -1, -1, -1 }, { -1, -1 } }

int stdio_open(const struct io_plan *io, struct stdio *stdio, struct process *out, struct err *err);
/* After the clone: closes the child's ends and fetches the terminal's master. */
int stdio_settle(const struct io_plan *io, struct stdio *stdio, struct process *out, struct err *err);
void stdio_close(struct stdio *stdio);
/* Kills, reaps and forgets. */
void process_end(struct process *process);
/* In a child that has entered a user namespace: its root, so that what is made belongs to the container's root. */
int become_root(struct err *err);
/* Turns what the child told into success or failure. */
int outcome_settle(struct outcome *outcome, struct process *process, struct err *err);

#endif
