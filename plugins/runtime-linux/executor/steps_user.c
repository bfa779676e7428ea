/* The steps that make the process somebody: user, groups, home, capabilities, folder, umask. Called through ops.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "step.h"
#include "sys.h"
#include "util.h"

enum { CAP_SETPCAP_BIT = 8 };

struct cap_header {
	uint32_t version;
	int pid;
};

struct cap_half {
	uint32_t effective, permitted, inheritable;
};

int step_umask(struct ctx *ctx, const struct node *args, struct err *err) {
	(void)ctx;
	(void)err;
	umask((mode_t)args[0].number & 0777);
	return 0;
}

/* A made folder belongs to the user, who is known only later in the list: its step is looked up ahead. */
static int own_folder(struct ctx *ctx, int fd, struct err *err) {
	struct identity identity = { 0 };

	for (uint32_t i = ctx->at; i < ctx->steps->count; i++) {
		const struct step *step = &ctx->steps->list[i];

		if (step->op->run != step_user) continue;
		identity.uid = (uint32_t)step->args[1].number;
		identity.gid = (uint32_t)step->args[2].number;
		if (step->args[0].type == NODE_STR && identity_find(ctx, step->args[0].str, &identity, err) < 0) return -1;
		if (fchownat(fd, "", identity.uid, identity.gid, AT_EMPTY_PATH) < 0) return err_sys(err, "cannot change the owner of the folder");
	}
	return 0;
}

int step_cwd(struct ctx *ctx, const struct node *args, struct err *err) {
	autofd fd = inside_open(ctx, args[0].str, O_PATH | O_DIRECTORY, 0, err);
	char path[4096];

	if (fd < 0 && err->num == ENOENT && args[1].yes) {
		fd = inside_make(ctx, args[0].str, MAKE_FOLDER, 0755, err);
		if (fd >= 0 && own_folder(ctx, fd, err) < 0) return -1;
	}
	if (fd < 0) return -1;
	if (fchdir(fd) < 0) return err_sys(err, "cannot enter %s", args[0].str);
	/* The kernel marks a folder that the root does not reach. */
	if (syscall(SYS_getcwd, path, sizeof path) < 0 || path[0] != '/') return err_set(err, EXDEV, "%s leads out of the container", args[0].str);
	return 0;
}

/* What a caller handed through may be a file of the machine's: only a pipe's or socket's end is given away. */
static bool is_ours_to_give(int fd) {
	struct stat info;

	return fstat(fd, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
}

/* Terminals and pipes of ours become the user's, so that /dev/stdout can be opened. */
static int own_stdio(struct ctx *ctx, uint32_t uid, uint32_t gid, struct err *err) {
	if (ctx->tty >= 0) return fchown(0, uid, (gid_t)-1) < 0 ? err_sys(err, "cannot hand over the terminal") : 0;
	for (int fd = 0; fd < 3; fd++)
		if (ctx->stdio[fd] >= 0 && !(ctx->io->inherit && !is_ours_to_give(fd)) && fchown(fd, uid, gid) < 0 && !ctx->io->inherit) return err_sys(err, "cannot hand over descriptor %d", fd);
	return 0;
}

static int add_home(struct ctx *ctx, struct identity *identity) {
	struct command *command = ctx->command;
	struct text home = { command->home, 0, sizeof command->home, false };

	for (char **entry = command->env; *entry; entry++)
		if (strncmp(*entry, "HOME=", 5) == 0) return 0;
	if (identity_home(ctx, identity) < 0) memcpy(identity->home, "/", 2);
	text_add(&home, "HOME=");
	text_add(&home, identity->home);
	if (!home.over) command->env[command->env_count] = command->home;
	return 0;
}

int step_user(struct ctx *ctx, const struct node *args, struct err *err) {
	struct identity identity = { .uid = (uint32_t)args[1].number, .gid = (uint32_t)args[2].number };
	const struct node *more = &args[3];
	bool stay = ctx->steps->list[ctx->at].argc > 5 && args[5].yes;

	if (args[0].type == NODE_STR && identity_find(ctx, args[0].str, &identity, err) < 0) return -1;
	for (uint32_t i = 0; i < more->len; i++) {
		if (identity.count == 64) return err_set(err, E2BIG, "more than 64 groups");
		identity.groups[identity.count++] = (uint32_t)more->items[i].number;
	}
	if (args[4].yes && add_home(ctx, &identity) < 0) return -1;
	if ((identity.uid || identity.gid) && own_stdio(ctx, identity.uid, identity.gid, err) < 0) return -1;
	/* The bare calls: libc's would look for other threads. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) return err_sys(err, "cannot keep the capabilities");
	if (!stay && syscall(SYS_setgroups, (long)identity.count, identity.groups) < 0) return err_sys(err, "cannot set the groups");
	if (syscall(SYS_setresgid, identity.gid, identity.gid, identity.gid) < 0) return err_sys(err, "cannot become group %u", identity.gid);
	if (syscall(SYS_setresuid, identity.uid, identity.uid, identity.uid) < 0) return err_sys(err, "cannot become user %u", identity.uid);
	ctx->uid = identity.uid;
	return 0;
}

static int set_caps(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
	struct cap_header header = { 0x20080522, 0 };
	struct cap_half halves[2] = {
		{ (uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable },
		{ (uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32) },
	};

	return (int)syscall(SYS_capset, &header, halves);
}

static int get_permitted(uint64_t *permitted) {
	struct cap_header header = { 0x20080522, 0 };
	struct cap_half halves[2];

	if (syscall(SYS_capget, &header, halves) < 0) return -1;
	*permitted = halves[0].permitted | (uint64_t)halves[1].permitted << 32;
	return 0;
}

static int cut_bounding(uint64_t bounding, struct err *err) {
	for (int cap = 0; cap < 64; cap++) {
		if (bounding >> cap & 1) continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0) continue;
		/* The first number the kernel does not know ends the list. */
		if (errno == EINVAL) return 0;
		return err_sys(err, "cannot drop capability %d from the bounding set", cap);
	}
	return 0;
}

static int raise_ambient(uint64_t ambient, struct err *err) {
	for (int cap = 0; cap < 64; cap++)
		if (ambient >> cap & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return err_sys(err, "cannot raise ambient capability %d", cap);
	return 0;
}

/* `user` has kept the permitted set; what a change of user took from the effective one is raised again for the cutting. */
int step_caps(struct ctx *ctx, const struct node *args, struct err *err) {
	uint64_t bounding = args[0].number, effective = args[1].number, permitted = args[2].number, inheritable = args[3].number, held;

	if (get_permitted(&held) < 0) return err_sys(err, "capget");
	if (set_caps(held, held, 0) < 0) return err_sys(err, "cannot raise the capabilities");
	if (seccomp_before_caps(ctx, effective & held, err) < 0) return -1;
	if (held >> CAP_SETPCAP_BIT & 1 && cut_bounding(bounding, err) < 0) return -1;
	/* What this executor does not hold itself it cannot give. */
	permitted &= held;
	effective &= permitted;
	if (set_caps(effective, permitted, inheritable & held) < 0) return err_sys(err, "capset");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL) return err_sys(err, "cannot clear the ambient set");
	return raise_ambient(args[4].number & permitted & inheritable & held, err);
}
