/* Keeps a few fresh network namespaces: a plan that wants one comes in, an fd goes out. Refilled by a worker while the executor
 * is idle. Each was made by us, has never been entered by anybody, and is given once. Called by server.c and requests.c. */
#define _GNU_SOURCE
#include "spares.h"

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "fdpass.h"
#include "step.h"
#include "sys.h"
#include "util.h"

enum { QUIET_MS = 5 };

/* A user namespace must own its network, and `lo` is up in a spare: only a plan that wants it so may have it. */
int spare_take(struct server *server, const struct plan *plan) {
	if (!server->spare_count || !(plan->clone & CLONE_NEWNET) || plan->uid_map) return -1;
	for (uint32_t i = 0; i < plan->setup.count; i++)
		if (plan->setup.list[i].op->run == step_loopback) return server->spares[--server->spare_count];
	return -1;
}

void spares_want(struct server *server) {
	if (server->spare_count < SPARES) server->spares_at = monotonic_ms() + QUIET_MS;
}

int spares_due(const struct server *server) {
	int64_t left = server->spares_at - monotonic_ms();

	if (!server->spares_at) return -1;
	return left > 0 ? (int)left : 0;
}

void spare_keep(struct server *server, int fd) {
	if (server->spare_count < SPARES) server->spares[server->spare_count++] = fd;
	else close(fd);
}

static int make_one(struct err *err) {
	autofd fd = -1;

	if (unshare(CLONE_NEWNET) < 0) return err_sys(err, "cannot make a network namespace");
	if (loopback_up(err) < 0) return -1;
	fd = openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0) return err_sys(err, "cannot open the network namespace");
	return fd_send(FD_REPORT, fd, err);
}

static int run_maker(void *arg) {
	const struct server *server = arg;
	struct err err = ERR_INIT;

	for (int i = server->spare_count; i < SPARES; i++)
		if (make_one(&err) < 0) return 1;
	return 0;
}

void spares_make(struct server *server) {
	struct err err = ERR_INIT;
	struct child *child;

	server->spares_at = 0;
	if (server->ending || server->spare_count >= SPARES || !(child = child_add(server, CHILD_MAKER, NULL, 0))) return;
	if (child_fork(server, child, run_maker, server, &err) < 0) child->gone = true;
}
