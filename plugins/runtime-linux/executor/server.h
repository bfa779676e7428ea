/* The executor's server: its clients, and the processes it has forked for them. */
#ifndef CORE_SERVER_H
#define CORE_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "conn.h"
#include "keep.h"
#include "reap.h"

/* Of PROTOCOL.md. */
enum { PROTOCOL_VERSION = 1 };

enum subject { SUBJECT_SIGNALS, SUBJECT_LISTENER, SUBJECT_PEER, SUBJECT_CHILD };

/* What epoll hands back; each owner begins with one. */
struct watched {
	enum subject subject;
};

struct peer {
	struct watched watched;
	struct peer *next;
	struct conn conn;
	bool writing; /* epoll waits for room */
	bool gone;
};

enum child_kind { CHILD_MONITOR, CHILD_WORKER, CHILD_LOST, CHILD_MAKER };

/* A forked process: a monitor, a worker, a worker that ends what a lost monitor left, or one that makes spares. */
struct child {
	struct watched watched;
	struct child *next;
	enum child_kind kind;
	pid_t pid;
	int socket;
	int netns; /* given to a monitor on its way; else -1 */
	struct peer *peer; /* who asked; NULL when that is gone */
	uint64_t seq;
	struct keep keep; /* monitors and lost */
	bool answered;    /* the reply was relayed */
	bool failed;      /* the reply was a failure */
	bool told_exit, cancelled, stubborn, gone;
};

/* Descriptors with fixed numbers, so that a forked process closes everything else by one call. */
enum { FD_MACHINE = 3, FD_INIT = 4, FD_REPORT = 5, FD_NETNS = 6, FD_FREE = 7 };

enum { SPARES = 2 };

struct server {
	const char *run;
	bool lease, ending, init_tried;
	int epoll;
	struct watched signals_watched, listener_watched;
	int signals, listener;
	struct peer *peers, *owner;
	struct child *children;
	int spares[SPARES], spare_count;
	int64_t spares_at; /* when to make more; 0: not now */
	int64_t deadline; /* of the end, once it has begun */
};

/* Serves until a signal, or the end of the lease; the process's exit status. */
int server_run(const char *run, bool lease, struct err *err);

/* server_requests.c: answers the frames a peer has sent. */
void peer_read(struct server *server, struct peer *peer);
void peer_update(struct server *server, struct peer *peer);

/* children.c */
struct child *child_add(struct server *server, enum child_kind kind, struct peer *peer, uint64_t seq);
/* Forks: in the child the report socket is FD_REPORT and all else but 0 to 4 is closed; `run` gives the exit status. */
int child_fork(struct server *server, struct child *child, int (*run)(void *), void *arg, struct err *err);
void child_relay(struct server *server, struct child *child);
void children_reap(struct server *server);
void children_forget_peer(struct server *server, struct peer *peer);
void children_end_all(struct server *server);
void children_sweep(struct server *server);
int server_watch(struct server *server, int fd, struct watched *watched);

#endif
