/* Network namespaces made in advance: making one is the dearest part of a start. */
#ifndef CORE_SPARES_H
#define CORE_SPARES_H

#include "server.h"

/* One for a container that wants a new network namespace of the machine's with `lo` up; -1 when there is none. */
int spare_take(struct server *server, const struct plan *plan);
/* A container has come and gone: in a quiet moment the next one's may be made. */
void spares_want(struct server *server);
/* Milliseconds until spares_make has something to do, or -1. */
int spares_due(const struct server *server);
/* Forks a worker that makes what is missing. */
void spares_make(struct server *server);
/* Takes one over from a worker. */
void spare_keep(struct server *server, int fd);

#endif
