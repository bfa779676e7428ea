/* Answers the executor's clients: frames come in, monitors and workers are forked. Called by server.c. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "init.h"
#include "monitor.h"
#include "rmtree.h"
#include "server.h"
#include "spares.h"
#include "sys.h"
#include "util.h"
#include "workdir.h"
#include "worker.h"

enum { READ_LIMIT = 1024 * 1024 };

struct ask {
	struct server *server;
	struct peer *peer;
	struct request request;
	struct arena *arena;
};

static int on_hello(struct ask *ask, struct err *err) {
	uint8_t bytes[64];
	struct enc enc = ENC(bytes);
	uint64_t version;

	if (map_number(ask->request.arg, "version", UINT32_MAX, &version, err) < 0) return -1;
	reply_begin(&enc, ask->request.seq, 0);
	enc_map(&enc, 3);
	enc_str(&enc, "version");
	enc_uint(&enc, PROTOCOL_VERSION);
	enc_str(&enc, "pid");
	enc_uint(&enc, (uint64_t)getpid());
	enc_str(&enc, "lease");
	enc_bool(&enc, ask->server->lease);
	conn_send(&ask->peer->conn, bytes, enc.len);
	return 0;
}

/* Made when the first container asks for it; all later ones share it. */
static void provide_init(struct server *server) {
	autofd image = -1;

	if (server->init_tried) return;
	server->init_tried = true;
	image = init_image();
	if (image >= 0) (void)dup3(image, FD_INIT, O_CLOEXEC);
}

/* What a monitor inherits and then gives back: the plan's memory and the connections' buffers. */
struct inheritance {
	struct start start;
	struct server *server;
	struct arena *arena;
};

static void release(void *arg) {
	struct inheritance *inheritance = arg;

	arena_free(inheritance->arena);
	for (struct peer *peer = inheritance->server->peers; peer; peer = peer->next) buf_free(&peer->conn.in);
}

static int run_monitor(void *arg) {
	struct inheritance *inheritance = arg;

	return monitor_run(&inheritance->start);
}

static struct child *monitor_of(struct server *server, const char *dir) {
	for (struct child *child = server->children; child; child = child->next)
		if (child->keep.dir && !child->gone && strcmp(child->keep.dir, dir) == 0) return child;
	return NULL;
}

static int on_start(struct ask *ask, struct err *err) {
	struct server *server = ask->server;
	struct plan plan;
	struct keep keep;
	struct child *child;
	struct inheritance inheritance = { .server = server, .arena = ask->arena };

	if (plan_check(ask->arena, ask->request.arg, &plan, err) < 0 || keep_plan(&keep, &plan, err) < 0) return -1;
	if (monitor_of(server, plan.dir)) {
		keep_free(&keep);
		err->step = "start";
		return err_set(err, EBUSY, "%s runs already", plan.id);
	}
	if (plan.command.init) provide_init(server);
	child = child_add(server, CHILD_MONITOR, ask->peer, ask->request.seq);
	if (!child) {
		keep_free(&keep);
		return err_set(err, ENOMEM, "no memory for the container");
	}
	child->keep = keep;
	child->netns = spare_take(server, &plan);
	inheritance.start = (struct start){
		.launch = { .machine_ns = FD_MACHINE, .init = plan.command.init ? FD_INIT : -1, .netns = child->netns >= 0 ? FD_NETNS : -1 },
		.plan = &plan, .keep = keep, .seq = ask->request.seq,
		.report = FD_REPORT, .release = release, .held = &inheritance,
	};
	err->step = "fork";
	return child_fork(server, child, run_monitor, &inheritance, err);
}

struct work {
	struct ask *ask;
	struct keep keep;
	const struct node *paths, *workdirs;
};

static int work(struct ask *ask, int (*run)(void *), struct work *work, struct err *err) {
	struct child *child = child_add(ask->server, CHILD_WORKER, ask->peer, ask->request.seq);

	work->ask = ask;
	err->step = "fork";
	if (!child) return err_set(err, ENOMEM, "no memory for the worker");
	return child_fork(ask->server, child, run, work, err);
}

static int run_reap(void *arg) {
	struct work *work = arg;
	struct exit_record record;
	struct err err = ERR_INIT;
	bool written;
	int ret = reap(&work->keep, &record, &written, &err);

	return worker_answer(work->ask->request.seq, ret, &err);
}

static int on_reap(struct ask *ask, struct err *err) {
	struct work todo = { 0 };
	int ret;

	if (keep_request(&todo.keep, ask->request.arg, err) < 0) {
		keep_free(&todo.keep);
		return -1;
	}
	ret = work(ask, run_reap, &todo, err);
	keep_free(&todo.keep);
	return ret;
}

static int run_rmtree(void *arg) {
	struct work *work = arg;
	struct err err = ERR_INIT, one;
	int ret = 0;

	worker_allow_term();
	if (worker_enter_machine(&err) < 0) return worker_answer(work->ask->request.seq, -1, &err);
	for (uint32_t i = 0; i < work->paths->len; i++) {
		one = (struct err)ERR_INIT;
		if (rmtree(work->paths->items[i].str, &one) == 0) continue;
		one.index = (int)i;
		if (ret == 0) err = one;
		ret = -1;
	}
	for (uint32_t i = 0; work->workdirs && i < work->workdirs->len; i++) {
		const char *path = work->workdirs->items[i].str;

		one = (struct err)ERR_INIT;
		if (workdir_put(path) || rmtree(path, &one) == 0) continue;
		if (ret == 0) err = one;
		ret = -1;
	}
	return worker_answer(work->ask->request.seq, ret, &err);
}

static int on_rmtree(struct ask *ask, struct err *err) {
	struct work todo = { 0 };

	err->step = "rmtree";
	if (map_texts(ask->request.arg, "paths", &todo.paths, err) < 0) return -1;
	if (node_get(ask->request.arg, "workdirs") && map_texts(ask->request.arg, "workdirs", &todo.workdirs, err) < 0) return -1;
	return work(ask, run_rmtree, &todo, err);
}

static int run_unpack(void *arg) {
	struct work *work = arg;

	worker_allow_term();
	return worker_unpack(work->ask->request.seq, work->ask->request.arg);
}

static int on_unpack(struct ask *ask, struct err *err) {
	struct work todo = { 0 };

	return work(ask, run_unpack, &todo, err);
}

static int on_cancel(struct ask *ask, struct err *err) {
	uint64_t seq;

	if (map_number(ask->request.arg, "seq", UINT64_MAX, &seq, err) < 0) return -1;
	for (struct child *child = ask->server->children; child; child = child->next) {
		if (child->kind != CHILD_WORKER || child->gone || child->peer != ask->peer || child->seq != seq) continue;
		child->cancelled = true;
		(void)kill(child->pid, SIGTERM);
	}
	reply_empty(&ask->peer->conn, ask->request.seq);
	return 0;
}

static int answer(struct ask *ask, struct err *err) {
	static const struct {
		const char *op;
		int (*run)(struct ask *ask, struct err *err);
	} ops[] = {
		{ "start", on_start }, { "hello", on_hello }, { "reap", on_reap }, { "rmtree", on_rmtree }, { "unpack", on_unpack }, { "cancel", on_cancel },
	};

	if (ask->server->ending) return err_set(err, ESHUTDOWN, "the executor is ending");
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		if (strcmp(ops[i].op, ask->request.op) == 0) return ops[i].run(ask, err);
	return err_set(err, EBADMSG, "the executor has no request %.40s", ask->request.op);
}

static void take_frame(struct server *server, struct peer *peer, uint8_t *data, size_t len) {
	struct err err = ERR_INIT;
	struct arena arena = { 0 };
	struct node frame;
	struct ask ask = { .server = server, .peer = peer, .arena = &arena };

	if (arena_open(&arena, arena_size_for(len), &err) < 0 || msgpack_decode(&arena, data, len, &frame, &err) < 0 ||
	    request_check(&frame, &ask.request, &err) < 0) {
		err.step = "frame";
		reply_error(&peer->conn, 0, &err);
		peer->conn.closing = true;
	} else if (answer(&ask, &err) < 0) {
		reply_error(&peer->conn, ask.request.seq, &err);
		if (err.num == EBADMSG) peer->conn.closing = true;
	}
	arena_free(&arena);
}

void peer_read(struct server *server, struct peer *peer) {
	struct err err = ERR_INIT;
	uint8_t *frame;
	size_t len;
	int got = 0;

	if (conn_read(&peer->conn, READ_LIMIT) < 0) peer->conn.broken = true;
	while (!peer->conn.closing && (got = conn_next(&peer->conn, &frame, &len, &err)) > 0) {
		take_frame(server, peer, frame, len);
		conn_done(&peer->conn, len);
	}
	if (got < 0) {
		err.step = "frame";
		reply_error(&peer->conn, 0, &err);
		peer->conn.closing = true;
	}
}

void peer_update(struct server *server, struct peer *peer) {
	bool want = peer->conn.out.len > 0;
	struct epoll_event event = { .events = EPOLLIN | (want ? EPOLLOUT : 0), .data.ptr = &peer->watched };

	if (want == peer->writing || peer->conn.fd < 0) return;
	peer->writing = want;
	(void)epoll_ctl(server->epoll, EPOLL_CTL_MOD, peer->conn.fd, &event);
}
