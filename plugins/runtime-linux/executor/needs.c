/* Asks the kernel for the calls without which nothing is done: nothing comes in, the first one that is missing goes out. Called by
 * main.c and once.c before anything else, and by `--probe` for `core doctor`.
 *
 * Each is called with arguments that no kernel takes: EINVAL or EBADF says that it is there. A kernel that lacks it says ENOSYS, and so
 * does a seccomp filter around us, or EPERM. What stands for these calls elsewhere is weaker: names in place of descriptors. */
#define _GNU_SOURCE
#include "needs.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "sys.h"
#include "util.h"

struct need {
	const char *name, *since;
	long number;
	long args[5];
	bool wanted;     /* nothing stands in for it */
	bool privileged; /* whoever may not mount is told EPERM, whether it is there or not */
};

static const struct need needs[] = {
	{ "openat2", "5.6", SYS_openat2, { -1, 0, 0, 0 }, true, false },
	{ "open_tree", "5.2", SYS_open_tree, { -1, 0, -1 }, true, false },
	{ "move_mount", "5.2", SYS_move_mount, { -1, 0, -1, 0, -1 }, true, true },
	{ "fsopen", "5.2", SYS_fsopen, { 0, -1 }, true, true },
	{ "fsconfig", "5.2", SYS_fsconfig, { -1, -1, 0, 0, 0 }, true, false },
	{ "fsmount", "5.2", SYS_fsmount, { -1, -1, -1 }, true, true },
	{ "mount_setattr", "5.12", SYS_mount_setattr, { -1, 0, 0, 0, 0 }, true, false },
	{ "pidfd_open", "5.3", SYS_pidfd_open, { -1, -1 }, true, false },
	{ "pidfd_send_signal", "5.1", SYS_pidfd_send_signal, { -1, 0, 0, -1 }, true, false },
	{ "clone3", "5.3", SYS_clone3, { 0, 0 }, false, false },
	{ "close_range", "5.9", SYS_close_range, { 1, 0, 0 }, false, false },
};

enum { NOT_TOLD = -1 };

/* To change mounts takes CAP_SYS_ADMIN in the user namespace that owns them, which is not always ours. pivot_root asks for no more, and there is no
 * folder without a name. */
static bool may_mount(void) {
	return syscall(SYS_pivot_root, "", "") < 0 && errno != EPERM;
}

/* 0 when the kernel knows the call, else what it says in its place. */
static int ask(const struct need *need) {
	const long *args = need->args;

	int said;

	if (syscall(need->number, args[0], args[1], args[2], args[3], args[4]) >= 0) return 0;
	said = errno;
	if (said == EPERM && need->privileged && !may_mount()) return NOT_TOLD;
	return said == ENOSYS || said == EPERM ? said : 0;
}

int needs_check(struct err *err) {
	for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
		int said = needs[i].wanted ? ask(&needs[i]) : 0;

		/* Who may not mount is told so by the first thing that takes it. */
		if (!said || said == NOT_TOLD) continue;
		err->step = "kernel";
		return err_set(err, said, "%s (Linux %s) cannot be called", needs[i].name, needs[i].since);
	}
	return 0;
}

static const char *answer_name(int said) {
	switch (said) {
	case 0: return "present";
	case ENOSYS: return "ENOSYS";
	case EPERM: return "EPERM";
	case ENOSPC: return "ENOSPC";
	case EUSERS: return "EUSERS";
	case EINVAL: return "EINVAL";
	default: return "refused";
	}
}

/* In a process of its own, which ends with it. */
static int ask_userns(void) {
	pid_t child = fork();
	int status = 0;

	if (child == 0) _exit(unshare(CLONE_NEWUSER) < 0 ? errno : 0);
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return EIO;
	return WEXITSTATUS(status);
}

int needs_print(void) {
	for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
		int said = ask(&needs[i]);

		if (said != NOT_TOLD) dprintf(1, "%s %s\n", needs[i].name, answer_name(said));
	}
	return dprintf(1, "userns %s\n", answer_name(ask_userns())) < 0;
}
