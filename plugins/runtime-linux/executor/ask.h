/* One request of a client to its monitor. */
#ifndef CORE_ASK_H
#define CORE_ASK_H

#include "monitor.h"

struct ask {
	struct monitor *monitor;
	struct client *client;
	struct request request;
	struct arena *arena;
};

/* Carries it out and replies; a failure is left to the caller to tell. */
int client_answer(struct ask *ask, struct err *err);

#endif
