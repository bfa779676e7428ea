/* The last steps: no_new_privs, seccomp, exec. After them the process is the command, so they return only on failure. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "fds.h"
#include "listener.h"
#include "step.h"
#include "sys.h"
#include "util.h"

enum { SECCOMP_FILTER_MODE = 1, CAP_SYS_ADMIN_BIT = 21, NEW_LISTENER = 8 };

struct filter_program {
	unsigned short len;
	const void *filter;
};

int step_nnp(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)ctx;
	(void)args;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : err_sys(err, "cannot set no_new_privs");
}

static bool has_step(const struct steps *steps, step_fn *run) {
	for (uint32_t i = 0; i < steps->count; i++)
		if (steps->list[i].op->run == run) return true;
	return false;
}

int command_ready(struct ctx *ctx, struct err *err) {
	sigset_t none;

	if (ctx->ready) return 0;
	if (!has_step(ctx->steps, step_umask)) umask(022);
	sigemptyset(&none);
	hold_prepare(ctx);
	if (fds_range(3 + ctx->io->fds, ~0u, CLOSE_RANGE_CLOEXEC_FLAG) < 0) return err_sys(err, "cannot mark the descriptors");
	/* The only disposition the executor ever changes. */
	if (signal(SIGPIPE, SIG_DFL) == SIG_ERR || sigprocmask(SIG_SETMASK, &none, NULL) < 0) return err_sys(err, "cannot reset the signals");
	if (!ctx->once && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) return err_sys(err, "cannot bind the process to its monitor");
	ctx->ready = true;
	return 0;
}

static int load_filter(struct ctx *ctx, const struct step *step, struct err *err) {
	const struct node *args = step->args;
	bool listened = step->argc > 2;
	unsigned flags = (unsigned)args[1].number | (listened ? NEW_LISTENER : 0);
	struct filter_program program = { (unsigned short)(args[0].len / 8), args[0].str };
	int listener;

	if (ctx->filtered) return 0;
	if (args[0].len / 8 > 4096) return err_set(err, E2BIG, "the filter has more than 4096 instructions");
	listener = (int)syscall(SYS_seccomp, SECCOMP_FILTER_MODE, flags, &program);
	if (listener < 0) return err_sys(err, "the kernel refuses the filter");
	ctx->filtered = true;
	if (!listened) return 0;
	if (listener_offer(ctx, listener, err) < 0) return -1;
	close(listener);
	return 0;
}

/* Once it is loaded, the calls of the hygiene may be denied: they come first. */
int step_seccomp(struct ctx *ctx, const struct node *args, struct err *err) {
	if (command_ready(ctx, err) < 0) return -1;
	(void)args;
	return load_filter(ctx, &ctx->steps->list[ctx->at], err);
}

int seccomp_before_caps(struct ctx *ctx, uint64_t effective, struct err *err) {
	const struct step *filter = NULL;

	if (effective >> CAP_SYS_ADMIN_BIT & 1) return 0;
	for (uint32_t i = 0; i < ctx->steps->count; i++) {
		const struct step *step = &ctx->steps->list[i];

		if (step->op->run == step_nnp) return 0;
		if (step->op->run == step_seccomp && i > ctx->at) filter = step;
	}
	if (!filter) return 0;
	if (command_ready(ctx, err) < 0) return -1;
	return load_filter(ctx, filter, err);
}

static const char *search_path(char *const *env) {
	for (; *env; env++)
		if (strncmp(*env, "PATH=", 5) == 0) return *env + 5;
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* Whether the user may execute it; the reason why not in errno, as execve would have it. */
static bool may_execute(const char *path) {
	struct stat info;

	if (stat(path, &info) < 0) return false;
	if (S_ISREG(info.st_mode)) return access(path, X_OK) == 0;
	errno = EACCES;
	return false;
}

/* Either replaces the process, or only asks whether it could, for `init`. */
static int try_one(struct ctx *ctx, const char *path) {
	struct command *command = ctx->command;

	if (!command->init) return execve(path, command->argv, command->env);
	if (!may_execute(path)) return -1;
	command->argv[-1] = (char *)(uintptr_t)path;
	return syscall(SYS_execveat, ctx->init, "", command->argv - 2, command->env, AT_EMPTY_PATH) < 0 ? -1 : 0;
}

/* The next place of the search path in front of the name; false when there is none left. */
static bool next_place(struct command *command, const char **list) {
	struct text path = { command->path, 0, sizeof command->path, false };
	const char *end;

	if (!*list) return false;
	end = strchrnul(*list, ':');
	/* An empty entry is the current folder. */
	if (end == *list) text_add(&path, ".");
	text_add_bytes(&path, *list, (size_t)(end - *list));
	text_add(&path, "/");
	text_add(&path, command->argv[0]);
	if (path.over) command->path[0] = 0;
	*list = *end ? end + 1 : NULL;
	return true;
}

/* The reason that is told at the end; -1 for one that ends the search. */
static int worse(int worst) {
	if (errno == EACCES) return EACCES;
	return errno == ENOENT || errno == ENOTDIR ? worst : -1;
}

static int not_found(const char *name, int worst, struct err *err) {
	return err_set(err, worst, worst == ENOENT ? "%s is not in the container's PATH" : "%s may not be executed", name);
}

int command_find(struct ctx *ctx, struct err *err) {
	struct command *command = ctx->command;
	const char *name = command->argv[0], *list = search_path(command->env);
	int worst = ENOENT;

	if (strchr(name, '/')) {
		struct text path = { command->path, 0, sizeof command->path, false };

		text_add(&path, name);
		if (path.over) return err_set(err, ENAMETOOLONG, "the command's path is too long");
		command->found = may_execute(name);
		return command->found ? 0 : err_sys(err, "cannot execute %s", name);
	}
	while (next_place(command, &list)) {
		command->found = may_execute(command->path);
		if (command->found) return 0;
		worst = worse(worst);
		if (worst < 0) return err_sys(err, "cannot execute %s", command->path);
	}
	return not_found(name, worst, err);
}

static int try_path(struct ctx *ctx, struct err *err) {
	struct command *command = ctx->command;
	const char *name = command->argv[0], *list = search_path(command->env);
	int worst = ENOENT;

	if (command->found) return try_one(ctx, command->path) < 0 ? err_sys(err, "cannot execute %s", command->path) : 0;
	if (strchr(name, '/')) return try_one(ctx, name) < 0 ? err_sys(err, "cannot execute %s", name) : 0;
	while (next_place(command, &list)) {
		(void)try_one(ctx, command->path);
		worst = worse(worst);
		if (worst < 0) return err_sys(err, "cannot execute %s", command->path);
	}
	return not_found(name, worst, err);
}

int step_exec(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)args;
	if (command_ready(ctx, err) < 0) return -1;
	*ctx->executing = true;
	if (ctx->command->init && ctx->init < 0) return err_set(err, ENOEXEC, "the small init is not there");
	return try_path(ctx, err);
}
