/* What a running step may use: the slots, the new root, stdio, the command. One `ctx` per monitor and one per child. */
#ifndef CORE_STEP_H
#define CORE_STEP_H

#include "network.h"
#include "plan.h"

/* The folder the last node or link was made in, for the step that comes right after it. */
struct folder {
	const struct steps *steps; /* NULL: none yet */
	uint32_t at;
	const char *path;
	size_t len;
	int fd;
};

struct ctx {
	const struct steps *steps; /* the list at work, for the few steps that look ahead */
	uint32_t at;
	struct command *command;
	const struct io_plan *io;
	const char *dir; /* the container's run folder; NULL in an exec */
	int *slots;
	int root;       /* the new root; -1 before the step that makes it */
	uint64_t root_device, root_inode;
	int machine_ns; /* monitor: the machine's own mount namespace */
	int own_ns;     /* monitor: its own, while it is in the machine's; else -1 */
	struct network *network; /* monitor: its program's place; NULL where there is no monitor */
	int userns;     /* monitor: the container's user namespace, in `mapped`; else -1 */
	int born;       /* monitor: the process that waits, in `mapped` */
	int stdio[3];   /* child: what becomes 0, 1, 2; -1 means /dev/null or the terminal */
	int console;    /* child: the socket that takes the terminal's master; -1 without a terminal */
	int tty;        /* child: the terminal's slave; -1 before it is opened */
	bool loopback;  /* `lo` is up already */
	int init;       /* the sealed memory file of the small init; -1 if there is none */
	uint32_t uid;   /* child: the user, once known */
	bool *executing; /* child: set when all but execve has succeeded */
	bool filtered;  /* the seccomp program is in force */
	bool once;      /* child: nobody stays behind to die with */
	int gate;       /* child: the socket to its executor, for `sync` and `hold`; -1: the executor sleeps, or is gone */
	int result;     /* child: where a failure goes once it is held; -1 before */
	bool ready;     /* descriptors and signals are as the command shall find them */
	struct folder folder;
};

/* Carries out a list in order; on failure `err` names the step. */
int steps_run(struct ctx *ctx, const struct steps *steps, struct err *err);
/* Carries out all, whatever fails. */
void steps_try_all(struct ctx *ctx, const struct steps *steps);

step_fn step_mkdir, step_workdir, step_chown, step_write, step_open, step_tree, step_netns, step_rmdir, step_unlink, step_devices, step_network;
step_fn step_join, step_unshare, step_setns, step_propagation, step_fs, step_place, step_root, step_bindroot, step_mount, step_attr;
step_fn step_folder, step_node, step_link, step_console, step_mask, step_readonly, step_pivot, step_chroot;
step_fn step_sysctl, step_hostname, step_domainname, step_loopback, step_rlimit, step_oom, step_attribute, step_session, step_umask, step_cwd;
step_fn step_personality, step_scheduler, step_ioprio, step_affinity, step_mempolicy;
step_fn step_user, step_caps, step_nnp, step_seccomp, step_exec;
step_fn step_netdev, step_copyup, step_device, step_userns, step_mountnode, step_rootat, step_unmount;
step_fn step_connect, step_fifo, step_sync, step_hook, step_lookup, step_hold;

/* Puts the monitor back into its own mount namespace, if `tree` took it out of it. */
int machine_leave(struct ctx *ctx, struct err *err);
/* Fills a slot, which takes the fd over. */
int slot_fill(struct ctx *ctx, uint64_t slot, int fd, struct err *err);
int slot_get(struct ctx *ctx, uint64_t slot, struct err *err);

/* Inside the new root; the paths are the image's and hostile. Each gives an fd or -1. */
int inside_open(struct ctx *ctx, const char *path, uint64_t flags, uint64_t resolve, struct err *err);
enum make { MAKE_NOTHING, MAKE_FOLDER, MAKE_FILE };
/* O_PATH; makes what is missing, with its parents. */
int inside_make(struct ctx *ctx, const char *path, enum make make, uint32_t mode, struct err *err);
/* The same where no name of the path may be a link. */
int inside_make_nosymlink(struct ctx *ctx, const char *path, enum make make, uint32_t mode, struct err *err);
/* The folder that holds the last name of `path`, whose missing folders are made; the name goes to `name`. */
int inside_parent(struct ctx *ctx, const char *path, const char **name, struct err *err);
/* The root of the container's procfs, checked to be one. */
int inside_proc(struct ctx *ctx, struct err *err);
/* Writes a file of the container's procfs without crossing a mount or a link. */
int proc_write(struct ctx *ctx, const char *path, const char *value, struct err *err);
/* The container's own /dev/null, checked to be the null device; flags as for open. */
int inside_null(struct ctx *ctx, int flags);
/* Whether a descriptor is a null device, whosever. */
bool null_device(int fd);

/* Opens the container's terminal in its devpts, and sends the master to the monitor. */
int terminal_open(struct ctx *ctx, struct err *err);
/* Overlay of kernels without `lowerdir+`, or with options too long for fsconfig. Gives an fd of the mount. */
int overlay_mount_old(struct ctx *ctx, const struct node *options, uint64_t attrs, struct err *err);
/* The value of an option: its text, or /proc/self/fd/N of a slot for "@N". */
int option_slot(const char *value);

struct identity {
	uint32_t uid, gid, count;
	uint32_t groups[64];
	char home[512];
};
/* Looks `text` up in the image's passwd and group files. */
int identity_find(struct ctx *ctx, const char *text, struct identity *out, struct err *err);
int identity_home(struct ctx *ctx, struct identity *identity);
/* In the network namespace of the caller. */
int loopback_up(struct err *err);
/* The OOM score of a list, written to /proc/PID before the process may leave the machine's view; pid 0 is the caller. */
int oom_score_set(const struct steps *steps, int pid, struct err *err);
/* Loads the seccomp program of a later step now, when the user loses the right to load it. */
int seccomp_before_caps(struct ctx *ctx, uint64_t effective, struct err *err);
/* Tells whoever let the held process go why it is not the command. */
void held_failed(struct ctx *ctx, const struct err *err);
/* Finds the command inside and remembers its path. */
int command_find(struct ctx *ctx, struct err *err);
/* Asks the executor and waits for its word. */
int gate_ask(struct ctx *ctx, const char *words, size_t len, struct err *err);
/* Closes what does not wait along at a later `hold`: a profile need not allow close_range, so it comes before the filter. */
void hold_prepare(struct ctx *ctx);
/* Descriptors above 2 close at exec, signals are as at birth, the process dies with its monitor. */
int command_ready(struct ctx *ctx, struct err *err);

#endif
