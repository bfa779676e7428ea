/* The processes an executor has forked: what they report is relayed to who asked, their ends are reaped, a lost monitor's
 * container is ended. Called by server.c. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "fdpass.h"
#include "fds.h"
#include "monitor.h"
#include "server.h"
#include "spares.h"
#include "sys.h"
#include "util.h"

enum { MESSAGE = MAX_FRAME + 16 };

struct child *child_add(struct server *server, enum child_kind kind, struct peer *peer, uint64_t seq) {
	struct child *child = calloc(1, sizeof *child);

	if (!child) return NULL;
	child->watched.subject = SUBJECT_CHILD;
	child->kind = kind;
	child->socket = -1;
	child->netns = -1;
	child->peer = peer;
	child->seq = seq;
	child->next = server->children;
	server->children = child;
	return child;
}

static void in_child(struct server *server, const struct child *child, int socket, int (*run)(void *), void *arg) {
	/* Pages shared with the executor cost nothing until one of the two writes; these it will write. */
	for (struct peer *peer = server->peers; peer; peer = peer->next) buf_free(&peer->conn.out);
	/* Whoever waits for the end of the executor's output must not wait for its containers. */
	if (dup3(socket, FD_REPORT, O_CLOEXEC) < 0 || dup2(0, 2) < 0) _exit(1);
	if (child->netns >= 0 ? dup3(child->netns, FD_NETNS, O_CLOEXEC) < 0 : close(FD_NETNS) < 0) _exit(1);
	if (fds_forget(FD_FREE, &(struct err)ERR_INIT) < 0) _exit(1);
	_exit(run(arg));
}

int child_fork(struct server *server, struct child *child, int (*run)(void *), void *arg, struct err *err) {
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return err_sys(err, "cannot make a socket");
	child->pid = fork();
	if (child->pid == 0) in_child(server, child, ends[1], run, arg);
	close(ends[1]);
	fd_close(&child->netns);
	child->socket = ends[0];
	if (child->pid < 0) {
		child->gone = true;
		return err_sys(err, "cannot fork");
	}
	if (server_watch(server, child->socket, &child->watched) < 0) return err_sys(err, "cannot watch the process");
	return 0;
}

/* Whether a worker's frame is [seq, 2, item]: progress, which answers nothing. Behind the frame's length and the array's head stands the number. */
static bool is_item(const uint8_t *bytes, size_t len) {
	size_t at = 5;

	if (len <= at) return false;
	switch (bytes[at]) {
	case 0xcc: at += 2; break;
	case 0xcd: at += 3; break;
	case 0xce: at += 5; break;
	case 0xcf: at += 9; break;
	default: at += 1; break;
	}
	return at < len && bytes[at] == 2;
}

static void relay_message(struct server *server, struct child *child, const uint8_t *bytes, size_t len) {
	if (child->kind == CHILD_WORKER) child->answered = !is_item(bytes, len);
	else {
		if (bytes[0] == REPORT_STARTED || bytes[0] == REPORT_FAILED) child->answered = true;
		if (bytes[0] == REPORT_FAILED) child->failed = true;
		if (bytes[0] == REPORT_EXIT) child->told_exit = true;
		bytes++;
		len--;
	}
	if (!child->peer) return;
	conn_send_raw(&child->peer->conn, bytes, len);
	peer_update(server, child->peer);
}

static void stop_watching(struct server *server, struct child *child) {
	if (child->socket < 0) return;
	(void)epoll_ctl(server->epoll, EPOLL_CTL_DEL, child->socket, NULL);
	fd_close(&child->socket);
}

static void take_spares(struct server *server, struct child *child) {
	int fd;

	while ((fd = fd_receive(child->socket)) >= 0) spare_keep(server, fd);
	if (errno != EAGAIN) stop_watching(server, child);
}

void child_relay(struct server *server, struct child *child) {
	static uint8_t bytes[MESSAGE];

	if (child->kind == CHILD_MAKER && child->socket >= 0) take_spares(server, child);

	while (child->socket >= 0) {
		ssize_t got = recv(child->socket, bytes, sizeof bytes, MSG_DONTWAIT);

		if (got > 0) relay_message(server, child, bytes, (size_t)got);
		else if (got < 0 && errno == EINTR) continue;
		else if (got < 0 && errno == EAGAIN) return;
		else stop_watching(server, child);
	}
}

/* In the worker that takes a lost monitor's place. */
static int end_lost(void *arg) {
	struct child *child = arg;
	struct monitor teller = { .report = FD_REPORT };
	struct exit_record record;
	struct err err = ERR_INIT;
	uint8_t bytes[ENVELOPE];
	struct enc enc = ENC(bytes);
	bool written;

	(void)reap(&child->keep, &record, &written, &err);
	if (!child->answered) {
		keep_remove_dir(&child->keep);
		err_set(&err, EIO, "the monitor was lost while it started the container");
		err.step = "monitor";
		enc_error(&enc, child->seq, &err);
		monitor_report(&teller, REPORT_FAILED, &enc);
		return 0;
	}
	if (child->told_exit) return 0;
	enc_array(&enc, 3);
	enc_uint(&enc, 0);
	enc_str(&enc, "exit");
	enc_exit(&enc, &record, 1);
	enc_str(&enc, "id");
	enc_str(&enc, child->keep.id);
	monitor_report(&teller, REPORT_EXIT, &enc);
	return 0;
}

static void monitor_lost(struct server *server, struct child *child) {
	struct child *worker = child_add(server, CHILD_LOST, child->peer, child->seq);
	struct err err = ERR_INIT;

	if (!worker) return;
	worker->keep = child->keep;
	worker->answered = child->answered;
	worker->told_exit = child->told_exit;
	child->keep = (struct keep){ 0 };
	if (child_fork(server, worker, end_lost, worker, &err) < 0) worker->gone = true;
}

static void tell_gone(struct server *server, struct child *child) {
	uint8_t bytes[ENVELOPE];
	struct enc enc = ENC(bytes);

	if (!child->peer || child->failed || !child->keep.id) return;
	enc_array(&enc, 3);
	enc_uint(&enc, 0);
	enc_str(&enc, "gone");
	enc_map(&enc, 1);
	enc_str(&enc, "id");
	enc_str(&enc, child->keep.id);
	conn_send(&child->peer->conn, bytes, enc.len);
	peer_update(server, child->peer);
}

static void worker_ended(struct server *server, struct child *child, int status) {
	struct err err = { .num = child->cancelled ? ECANCELED : EIO, .index = -1, .step = "worker" };

	if (child->answered || !child->peer) return;
	if (child->cancelled) err_set(&err, ECANCELED, "cancelled");
	else err_set(&err, EIO, "the worker ended without an answer (status %d)", status);
	reply_error(&child->peer->conn, child->seq, &err);
	peer_update(server, child->peer);
}

static void child_ended(struct server *server, struct child *child, int status) {
	/* What it said last is still in the socket. */
	child_relay(server, child);
	stop_watching(server, child);
	child->gone = true;
	if (child->kind == CHILD_MAKER) return;
	spares_want(server);
	if (child->kind == CHILD_WORKER) worker_ended(server, child, status);
	else if (child->kind == CHILD_LOST || (status == 0 && (child->failed || child->told_exit))) tell_gone(server, child);
	else monitor_lost(server, child);
}

void children_reap(struct server *server) {
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (struct child *child = server->children; child; child = child->next)
			if (child->pid == pid && !child->gone) {
				child_ended(server, child, status);
				break;
			}
}

void children_forget_peer(struct server *server, struct peer *peer) {
	for (struct child *child = server->children; child; child = child->next) {
		if (child->peer != peer) continue;
		child->peer = NULL;
		if (child->kind == CHILD_WORKER && child->seq) (void)kill(child->pid, SIGTERM);
	}
}

void children_end_all(struct server *server) {
	char letter = REPORT_KILL;

	for (struct child *child = server->children; child; child = child->next) {
		if (child->kind == CHILD_MONITOR && child->socket >= 0) (void)send(child->socket, &letter, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (child->kind == CHILD_WORKER) (void)kill(child->pid, SIGTERM);
	}
}

void children_sweep(struct server *server) {
	for (struct child **link = &server->children; *link;) {
		struct child *child = *link;

		if (!child->gone) {
			link = &child->next;
			continue;
		}
		*link = child->next;
		stop_watching(server, child);
		fd_close(&child->netns);
		keep_free(&child->keep);
		free(child);
	}
}
