/* The listeners of seccomp filters, and the sockets to whom they go. */
#ifndef CORE_LISTENER_H
#define CORE_LISTENER_H

#include "step.h"

/* What a word at the gate begins with when it is a listener's number; names are text. */
enum { LISTENER_WORD = 1 };

struct origin {
	int pid;    /* the process that has the listener */
	int number; /* its descriptor there */
};

/* Connects to a unix socket of the caller's mount namespace. */
int unix_connect(const char *path, struct err *err);
/* The step whose filter has a listener, or NULL. */
const struct step *listener_step(const struct steps *steps);
/* In the process: tells of the listener, and waits until it is handed over. */
int listener_offer(struct ctx *ctx, int fd, struct err *err);
/* In the executor: hands it over, and closes the socket. */
int listener_attend(const struct steps *steps, int *slots, const struct origin *origin, struct err *err);

#endif
