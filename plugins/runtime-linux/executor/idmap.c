/* User namespaces from the outside: maps come in, they are written, or a namespace that nobody runs in goes out, for mounts whose
 * ids it translates. Called by launch.c and, for the step, through the table in ops.c. */
#define _GNU_SOURCE
#include "idmap.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "clone.h"
#include "step.h"
#include "sys.h"
#include "util.h"

static int open_of(int pid, const char *name, int flags) {
	char path[48];
	struct text text = TEXT(path);

	text_add(&text, "/proc/");
	text_add_number(&text, pid);
	text_add(&text, name);
	return openat(AT_FDCWD, path, flags | O_CLOEXEC);
}

static int write_map(int pid, const char *name, const char *map, struct err *err) {
	autofd fd = open_of(pid, name, O_WRONLY);

	if (fd >= 0 && write(fd, map, strlen(map)) == (ssize_t)strlen(map)) return 0;
	err->step = "userns";
	return err_sys(err, "cannot write /proc/%d%s", pid, name);
}

int userns_map(int pid, const char *uids, const char *gids, struct err *err) {
	return write_map(pid, "/uid_map", uids, err) < 0 || write_map(pid, "/gid_map", gids, err) < 0 ? -1 : 0;
}

int userns_open(int pid, struct err *err) {
	int fd = open_of(pid, "/ns/user", O_RDONLY);

	return fd < 0 ? err_sys(err, "cannot open the user namespace") : fd;
}

/* Until whoever made it closes the other end. */
static int wait_for_end(void *arg) {
	const int *ends = arg;
	char byte;

	close(ends[1]);
	while (read(ends[0], &byte, 1) < 0 && errno == EINTR) continue;
	return 0;
}

/* A namespace lives by its descriptor, once a process was in it for as long as it took to write its maps. */
int step_userns(struct ctx *ctx, const struct node *args, struct err *err) {
	autofd read_end = -1, write_end = -1, userns = -1;
	int ends[2], pid;
	struct clone_request request = { .flags = CLONE_NEWUSER, .plain = true, .run = wait_for_end, .arg = ends };

	if (pipe2(ends, O_CLOEXEC) < 0) return err_sys(err, "cannot make a pipe");
	read_end = ends[0];
	write_end = ends[1];
	pid = clone_child(&request, err);
	if (pid < 0) return -1;
	if (userns_map(pid, args[1].str, args[2].str, err) == 0) userns = userns_open(pid, err);
	fd_close(&write_end);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
	return userns < 0 ? -1 : slot_fill(ctx, args[0].number, fd_take(&userns), err);
}
