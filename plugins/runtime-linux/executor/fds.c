/* Closes descriptors: a first number comes in, nothing of the caller's is left open. Called where a process begins, and before it becomes
 * something else. Where close_range(2) is not to be had (Linux 5.9, a filter), one by one. */
#define _GNU_SOURCE
#include "fds.h"

#include <dirent.h>
#include <stdlib.h>

#include "sys.h"
#include "util.h"

/* Our own are few, and each got the lowest number that was free; a caller's may go before them, up to 1024 (PROTOCOL.md). */
enum { MOST = 4096 };

/* CLOSE_RANGE_CLOEXEC is younger than the call, and EINVAL without it. */
static bool is_missing(void) {
	return errno == ENOSYS || errno == EPERM || errno == EINVAL;
}

static int highest_open(void) {
	DIR *list = opendir("/proc/self/fd");
	struct dirent *entry;
	int highest = -1;

	if (!list) return -1;
	while ((entry = readdir(list)))
		if (atoi(entry->d_name) > highest) highest = atoi(entry->d_name);
	closedir(list);
	return highest;
}

int fds_forget(unsigned first, struct err *err) {
	int highest;

	if (sys_close_range(first, ~0u, 0) == 0) return 0;
	if (!is_missing()) return err_sys(err, "cannot close the caller's descriptors");
	highest = highest_open();
	if (highest < 0) return err_sys(err, "cannot learn which descriptors are open: close_range is missing, and /proc/self/fd is not there");
	for (int fd = (int)first; fd <= highest; fd++) (void)close(fd);
	return 0;
}

int fds_range(unsigned first, unsigned last, unsigned flags) {
	if (sys_close_range(first, last, flags) == 0) return 0;
	if (!is_missing()) return -1;
	if (last > MOST) last = MOST;
	for (unsigned fd = first; fd <= last; fd++) {
		if (!(flags & CLOSE_RANGE_CLOEXEC_FLAG)) (void)close((int)fd);
		else if (fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0 && errno != EBADF) return -1;
	}
	return 0;
}
