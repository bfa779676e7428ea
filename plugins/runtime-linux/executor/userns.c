/* Makes a user namespace and begins again inside it: arguments come in, the same program as root of the namespace goes out.
 * Called once, by main.c, before anything else is done. */
#define _GNU_SOURCE
#include "userns.h"

#include <string.h>

#include "sys.h"
#include "util.h"

/* The maps are written from outside: more than one id takes a helper that has the right to hand the user's ids out. */
static int wait_for_maps(struct err *err) {
	char letter = 'u';
	ssize_t got;

	if (write(1, &letter, 1) != 1) return err_sys(err, "cannot say that the user namespace is there");
	while ((got = read(0, &letter, 1)) < 0 && errno == EINTR) continue;
	return got == 1 ? 0 : err_set(err, ECANCELED, "nobody has mapped the ids of the user namespace");
}

/* The user's further groups mean nothing inside, and could open files of the machine's to a container. With a single id mapped
 * the kernel does not let them go. */
static int leave_groups(struct err *err) {
	char words[16];

	if (read_file_at(AT_FDCWD, "/proc/self/setgroups", words, sizeof words) < 0) return err_sys(err, "cannot read /proc/self/setgroups");
	if (strncmp(words, "deny", 4) == 0) return 0;
	return syscall(SYS_setgroups, 0L, NULL) < 0 ? err_sys(err, "cannot leave the groups") : 0;
}

int userns_enter(char **argv, struct err *err) {
	err->step = "userns";
	if (unshare(CLONE_NEWUSER) < 0) {
		err->step = "newuser";
		return err_sys(err, "cannot make a user namespace");
	}
	if (wait_for_maps(err) < 0 || leave_groups(err) < 0) return -1;
	if (syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0) return err_sys(err, "cannot become root of the user namespace");
	for (char **word = argv; *word; word++)
		if (strcmp(*word, ROOTLESS) == 0) *word = MAPPED;
	/* What a process may do to itself in /proc depends on the user namespace it was executed in. */
	execv("/proc/self/exe", argv);
	return err_sys(err, "cannot begin anew");
}
