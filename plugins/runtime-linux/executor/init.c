/* A small init: executes the command as its only child, hands signals on, reaps orphans, ends with the command's status.
 * Runs as pid 1 of a container from a sealed copy in memory, so that no file of the machine's is within its reach. */
#define _GNU_SOURCE
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

#ifndef MFD_ALLOW_SEALING
#define MFD_ALLOW_SEALING 2u
#define MFD_CLOEXEC 1u
#endif
#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#endif
enum { MFD_EXECUTABLE = 0x10, ALL_SEALS = 0x1 | 0x2 | 0x4 | 0x8 };

extern char **environ;

static int command_start(char **argv, const sigset_t *before) {
	pid_t pid = fork();

	if (pid != 0) return pid;
	/* In the foreground of the terminal, if there is one, and with a group of its own. */
	(void)setpgid(0, 0);
	(void)signal(SIGTTOU, SIG_IGN);
	(void)tcsetpgrp(0, getpid());
	(void)signal(SIGTTOU, SIG_DFL);
	sigprocmask(SIG_SETMASK, before, NULL);
	execve(argv[1], argv + 2, environ);
	_exit(errno == ENOENT ? 127 : 126);
}

/* True when the command itself has ended. */
static bool reap_all(pid_t command, int *status) {
	bool ended = false;
	int one;
	pid_t pid;

	while ((pid = waitpid(-1, &one, WNOHANG)) > 0) {
		if (pid != command) continue;
		*status = WIFEXITED(one) ? WEXITSTATUS(one) : 128 + WTERMSIG(one);
		ended = true;
	}
	return ended;
}

int init_main(char **argv) {
	sigset_t all, before;
	int status = 0, number;
	pid_t command;

	if (!argv[1] || !argv[2]) return 126;
	(void)prctl(PR_SET_NAME, "core-init", 0, 0, 0);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	command = command_start(argv, &before);
	if (command < 0) return 126;
	for (;;) {
		if (sigwait(&all, &number) != 0) continue;
		if (number == SIGCHLD) {
			if (reap_all(command, &status)) return status;
		} else (void)kill(command, number);
	}
}

int init_image(void) {
	autofd file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), copy = -1;
	char bytes[16384];
	ssize_t got;

	copy = (int)syscall(SYS_memfd_create, "core-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXECUTABLE);
	if (copy < 0 && errno == EINVAL) copy = (int)syscall(SYS_memfd_create, "core-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (file < 0 || copy < 0) return -1;
	while ((got = read(file, bytes, sizeof bytes)) > 0)
		if (write_all(copy, bytes, (size_t)got) < 0) return -1;
	if (got < 0 || fcntl(copy, F_ADD_SEALS, ALL_SEALS) < 0) return -1;
	return fd_take(&copy);
}
