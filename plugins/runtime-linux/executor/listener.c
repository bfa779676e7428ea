/* Hands the listener of a seccomp filter to whoever answers for it: a process that has loaded the filter tells the number of
 * its descriptor, and a message with the descriptor goes over a connected socket. Called by launch.c and exec_launch.c.
 *
 * The process itself could not: what it would call to send may be what the filter asks about, before anybody can answer. */
#define _GNU_SOURCE
#include "listener.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fdpass.h"
#include "sys.h"
#include "util.h"

enum { MAX_MESSAGE = 1024 * 1024 };

/* The path of a unix socket may be longer than an address holds. */
int unix_connect(const char *path, struct err *err) {
	autofd folder = openat(AT_FDCWD, path, O_PATH | O_CLOEXEC), fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct text name = TEXT(address.sun_path);

	if (folder < 0) return err_sys(err, "cannot open the socket %s", path);
	text_add(&name, "/proc/self/fd/");
	text_add_number(&name, folder);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) return err_sys(err, "cannot connect to the socket %s", path);
	return fd_take(&fd);
}

const struct step *listener_step(const struct steps *steps) {
	for (uint32_t i = 0; i < steps->count; i++)
		if (steps->list[i].op->run == step_seccomp && steps->list[i].argc > 2) return &steps->list[i];
	return NULL;
}

int listener_offer(struct ctx *ctx, int fd, struct err *err) {
	char words[24] = { LISTENER_WORD, 0 };
	struct text text = { words, 1, sizeof words, false };

	text_add_number(&text, fd);
	return gate_ask(ctx, words, text.len, err);
}

/* The texts of the step with the pid between every two of them. */
static char *lay_out_message(const struct node *parts, int pid, size_t *len, struct err *err) {
	char number[24];
	struct text digits = TEXT(number);
	size_t size = 0;
	char *message, *at;

	text_add_number(&digits, pid);
	for (uint32_t i = 0; i < parts->len; i++) size += parts->items[i].len + digits.len;
	if (size > MAX_MESSAGE || !(message = at = malloc(size + 1))) {
		(void)err_set(err, E2BIG, "the state of the container is too long for a listener");
		return NULL;
	}
	for (uint32_t i = 0; i < parts->len; i++) {
		if (i > 0) at = mempcpy(at, number, digits.len);
		at = mempcpy(at, parts->items[i].str, parts->items[i].len);
	}
	*len = (size_t)(at - message);
	return message;
}

static int hand_over(const struct step *step, int socket, const struct origin *origin, struct err *err) {
	autofd pidfd = sys_pidfd_open(origin->pid), listener = -1;
	autofree char *message = NULL;
	size_t len = 0;

	if (pidfd < 0) return err_sys(err, "cannot open the process");
	listener = sys_pidfd_getfd(pidfd, origin->number);
	if (listener < 0) return err_sys(err, "cannot fetch the listener from the process");
	message = lay_out_message(&step->args[3], origin->pid, &len, err);
	if (!message) return -1;
	return fd_send_with(socket, listener, message, len, err);
}

int listener_attend(const struct steps *steps, int *slots, const struct origin *origin, struct err *err) {
	const struct step *step = listener_step(steps);
	int ret;

	err->step = "seccomp";
	if (!step || slots[step->args[2].number] < 0) return err_set(err, EINVAL, "nobody is there to listen");
	ret = hand_over(step, slots[step->args[2].number], origin, err);
	/* Its end tells whoever listens that there will be no second one. */
	fd_close(&slots[step->args[2].number]);
	if (ret == 0) err->step = "";
	return ret;
}
