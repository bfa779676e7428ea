/* What a forked worker says to its executor, which relays it. */
#ifndef CORE_WORKER_H
#define CORE_WORKER_H

#include "msgpack.h"

/* SIGTERM, blocked in the executor, ends this worker. */
void worker_allow_term(void);
/* Paths of archives, layers and trees are the machine's: the executor's own namespace lacks most mounts. */
int worker_enter_machine(struct err *err);
/* Sends the answer to request `seq`; the worker's exit status. */
int worker_answer(uint64_t seq, int ret, const struct err *err);
/* Carries out `unpack` and answers. */
int worker_unpack(uint64_t seq, const struct node *arg);

#endif
