/* The executor's loop: connections come in, children are forked and heard. Called by main.c once the socket may be made. */
#define _GNU_SOURCE
#include "server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "listen.h"
#include "rmtree.h"
#include "spares.h"
#include "sys.h"
#include "util.h"

enum { EVENTS = 32, END_MS = 15000 };

int server_watch(struct server *server, int fd, struct watched *watched) {
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = watched };

	return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* One executor a folder: the lock on it lasts as long as this process. */
static int lock_run(const char *run, struct err *err) {
	int fd;

	if (mkdir(run, 0711) < 0 && errno != EEXIST) return err_sys(err, "cannot make %s", run);
	fd = openat(AT_FDCWD, run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) return err_sys(err, "cannot open %s", run);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) return err_set(err, EBUSY, "another executor serves %s", run);
	return 0;
}

static int watch_signals(struct server *server, struct err *err) {
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return err_sys(err, "cannot block signals");
	server->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return server->signals < 0 ? err_sys(err, "cannot watch signals") : 0;
}

static int server_open(struct server *server, struct err *err) {
	if (lock_run(server->run, err) < 0) return -1;
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll < 0) return err_sys(err, "cannot make an epoll");
	if (watch_signals(server, err) < 0) return -1;
	server->listener = listen_in(server->run, "executor.sock", err);
	if (server->listener < 0) return -1;
	server->signals_watched.subject = SUBJECT_SIGNALS;
	server->listener_watched.subject = SUBJECT_LISTENER;
	if (server_watch(server, server->signals, &server->signals_watched) < 0 || server_watch(server, server->listener, &server->listener_watched) < 0)
		return err_sys(err, "cannot watch the socket");
	return 0;
}

static void accept_all(struct server *server) {
	int fd;

	while ((fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		struct peer *peer = conn_peer_allowed(fd) ? calloc(1, sizeof *peer) : NULL;

		if (!peer || server_watch(server, fd, &peer->watched) < 0) {
			free(peer);
			close(fd);
			continue;
		}
		peer->watched.subject = SUBJECT_PEER;
		peer->conn = (struct conn)CONN_INIT(fd, MAX_REQUEST);
		peer->next = server->peers;
		server->peers = peer;
		if (server->lease && !server->owner) server->owner = peer;
	}
}

/* The end of a lease, or of the process where containers are held by one. */
static void begin_end(struct server *server) {
	if (server->ending) return;
	server->ending = true;
	server->deadline = monotonic_ms() + END_MS;
	(void)epoll_ctl(server->epoll, EPOLL_CTL_DEL, server->listener, NULL);
	fd_close(&server->listener);
	children_end_all(server);
}

/* A driver that is swapped leaves its lease to the one that has come in beside it. */
static void pass_lease(struct server *server) {
	server->owner = server->peers;
	if (!server->owner) begin_end(server);
}

/* False when the process shall end at once. */
static bool take_signals(struct server *server) {
	struct signalfd_siginfo info;
	bool stay = true;

	while (read(server->signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGCHLD) children_reap(server);
		else if (info.ssi_signo == SIGHUP) continue;
		else if (server->lease) begin_end(server);
		else stay = false;
	}
	return stay;
}

static void peer_event(struct server *server, struct peer *peer, uint32_t events) {
	if (events & EPOLLOUT) conn_flush(&peer->conn);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) peer_read(server, peer);
	peer_update(server, peer);
}

static void sweep_peers(struct server *server) {
	int64_t now = monotonic_ms();

	for (struct peer **link = &server->peers; *link;) {
		struct peer *peer = *link;

		if (!peer->conn.broken && !conn_stalled(&peer->conn, now) && !(peer->conn.closing && !peer->conn.out.len)) {
			link = &peer->next;
			continue;
		}
		*link = peer->next;
		children_forget_peer(server, peer);
		/* A forked process may still hold the description for a moment: it must not wake us. */
		(void)epoll_ctl(server->epoll, EPOLL_CTL_DEL, peer->conn.fd, NULL);
		conn_close(&peer->conn);
		if (peer == server->owner) pass_lease(server);
		free(peer);
	}
}

/* Milliseconds until something is to be done though nothing happens; -1: never. */
static int patience(const struct server *server) {
	if (server->ending) return 200;
	for (const struct peer *peer = server->peers; peer; peer = peer->next)
		if (peer->conn.out.len) return 1000;
	return spares_due(server);
}

static bool serve_once(struct server *server) {
	struct epoll_event events[EVENTS];
	int count = epoll_wait(server->epoll, events, EVENTS, patience(server));

	if (count == 0 && spares_due(server) == 0) spares_make(server);

	for (int i = 0; i < count; i++) {
		struct watched *watched = events[i].data.ptr;

		switch (watched->subject) {
		case SUBJECT_SIGNALS:
			if (!take_signals(server)) return false;
			break;
		case SUBJECT_LISTENER: accept_all(server); break;
		case SUBJECT_PEER: peer_event(server, (struct peer *)watched, events[i].events); break;
		case SUBJECT_CHILD: child_relay(server, (struct child *)watched); break;
		}
	}
	sweep_peers(server);
	children_sweep(server);
	return true;
}

static void kill_stubborn(struct server *server) {
	for (struct child *child = server->children; child; child = child->next) {
		if (child->stubborn) continue;
		child->stubborn = true;
		(void)kill(child->pid, SIGKILL);
	}
}

int server_run(const char *run, bool lease, struct err *err) {
	struct server server = { .run = run, .lease = lease, .epoll = -1, .signals = -1, .listener = -1 };

	if (server_open(&server, err) < 0) return -1;
	while (!(server.ending && !server.children)) {
		if (!serve_once(&server)) return 0;
		if (server.ending && monotonic_ms() > server.deadline) kill_stubborn(&server);
		if (server.ending && monotonic_ms() > server.deadline + END_MS) break;
	}
	return rmtree(run, err);
}
