/* The plan of a container or of an exec after decoding: every step known, every argument of the right shape. */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include "msgpack.h"

enum { SLOTS = 256, MAX_DIR = 3500 };

/* Where an op may stand. */
enum place { IN_PREPARE = 1, IN_MAPPED = 2, IN_TEARDOWN = 4, IN_SETUP = 8, IN_EXEC = 16 };
#define IN_MONITOR (IN_PREPARE | IN_MAPPED | IN_TEARDOWN)

struct ctx;
typedef int step_fn(struct ctx *ctx, const struct node *args, struct err *err);

struct op {
	const char *name;
	unsigned places;
	/* One letter an argument: see check.c. */
	const char *shape;
	step_fn *run;
};

struct step {
	const struct op *op;
	const struct node *args;
	uint32_t argc;
};

struct steps {
	struct step *list;
	uint32_t count;
};

/* What `exec` needs, laid out before the clone because its child may not allocate. */
struct command {
	char **argv;
	char **env; /* one free place at the end, for HOME */
	uint32_t env_count;
	bool init;
	bool found; /* `path` is what to execute */
	char home[512];
	char path[4096];
};

struct io_plan {
	bool terminal, stdin_open, stdin_once;
	bool inherit; /* 0, 1 and 2 of the executor itself go to the process */
	const char *console; /* the unix socket that takes the terminal's master; NULL: none */
	uint32_t fds; /* how many descriptors from 3 on go to the process as well */
	bool owned; /* the child's ends of its pipes go to `uid` and `gid` of the machine */
	uint32_t uid, gid;
	uint16_t rows, cols;
	const char *log; /* NULL: none */
	uint64_t log_max_bytes;
	uint32_t log_max_files;
};

struct plan {
	const char *id, *dir;
	const struct node *record; /* bytes for `dir/record`, or NULL */
	uint32_t clone;
	const char *cgroup;
	const char *uid_map, *gid_map; /* NULL without a user namespace */
	const char *timens;
	const struct node *enter; /* namespaces to be born by way of: [slot, CLONE_NEW*] each; empty without */
	bool enters_userns;
	int pidns; /* the slot with the pid namespace to be born in, or -1 */
	struct steps prepare, mapped, setup, teardown;
	const struct node *cgroups;
	const struct node *teardown_source;
	unsigned oom_version; /* 0: none */
	const char *oom_path;
	struct io_plan io;
	bool detach; /* once only: the executor ends when the process runs */
	struct command command;
};

struct exec_plan {
	const char *exec;
	const struct node *affinity; /* the cpus of the monitor while it makes the process, or NULL */
	const char *cgroup;
	const struct node *tasks;
	uint32_t namespaces;
	struct steps steps;
	const char *listener; /* the unix socket that takes the listener of the filter; NULL: none */
	struct io_plan io;
	bool detach;
	bool chroot; /* once only: the root of the first process is entered by itself, no mount namespace is */
	int root;    /* that root */
	int pid; /* once only: the container's first process, and when it began */
	uint64_t start_time;
	struct command command;
};

/* Each fills `plan` from a decoded map; a refusal names the list and the step's index. */
int plan_check(struct arena *arena, const struct node *map, struct plan *plan, struct err *err);
int exec_plan_check(struct arena *arena, const struct node *map, struct exec_plan *plan, struct err *err);
/* A list of steps on its own, as `reap` brings it. */
int steps_check(struct arena *arena, const struct node *list, enum place place, struct steps *out, struct err *err);
/* Fills the command from the last step, which must be `exec`. */
int command_lay_out(struct arena *arena, const struct steps *steps, struct command *command, struct err *err);

const struct op *op_find(const char *name);

/* Typed values of a map; an absent key is an error unless the name says otherwise. */
int map_text(const struct node *map, const char *key, const char **out, struct err *err);
int map_text_or_null(const struct node *map, const char *key, const char **out, struct err *err);
int map_number(const struct node *map, const char *key, uint64_t max, uint64_t *out, struct err *err);
int map_flag(const struct node *map, const char *key, bool *out, struct err *err);
int map_list(const struct node *map, const char *key, const struct node **out, struct err *err);
int map_texts(const struct node *map, const char *key, const struct node **out, struct err *err);

/* Shapes of single values. */
bool is_text(const struct node *node);
bool is_path(const struct node *node);
bool is_texts(const struct node *node);

#endif
