/* Bears a process by way of another one, which has entered namespaces of others first: what is made for the process then belongs
 * to the user namespace among them. A request and those namespaces come in, a pid goes out. Called by launch.c. */
#define _GNU_SOURCE
#include "through.h"

#include <errno.h>
#include <sys/wait.h>

#include "sys.h"
#include "util.h"

struct passage {
	const struct through *through;
	const struct clone_request *request;
};

static int enter_all(const struct through *through, struct err *err) {
	err->step = "enter";
	for (uint32_t i = 0; i < through->enter->len; i++) {
		const struct node *entry = &through->enter->items[i];

		err->index = (int)i;
		if (setns(through->slots[entry->items[0].number], (int)entry->items[1].number) < 0) return err_sys(err, "cannot join a namespace");
	}
	err->index = -1;
	err->step = "";
	return 0;
}

/* The process is a child of the executor's, as one that was born straight would be. */
static int passage_run(void *arg) {
	struct passage *passage = arg;
	struct outcome *outcome = passage->through->outcome;
	struct clone_request request = *passage->request;

	request.cgroup = NULL;
	request.pidfd = NULL;
	request.sibling = true;
	request.pid = &outcome->pid;
	if (enter_all(passage->through, &outcome->err) < 0) return 127;
	return clone_child(&request, &outcome->err) < 0 ? 127 : 0;
}

int clone_through(const struct through *through, const struct clone_request *request, struct err *err) {
	struct passage passage = { through, request };
	struct clone_request first = { .cgroup = request->cgroup, .plain = true, .run = passage_run, .arg = &passage };
	int pid = clone_child(&first, err);

	if (pid < 0) return -1;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
	if (through->outcome->pid <= 0) {
		*err = through->outcome->err;
		if (err->num == 0) return err_set(err, ECHILD, "the process that enters the namespaces has died");
		return -1;
	}
	*request->pidfd = sys_pidfd_open(through->outcome->pid);
	if (*request->pidfd < 0) return err_sys(err, "cannot open the process");
	return through->outcome->pid;
}
