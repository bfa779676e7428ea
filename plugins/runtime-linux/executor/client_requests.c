/* What clients ask of a monitor: the process is signalled, resized, fed, or another one started in its container. Called by
 * client.c with a request of the right shape. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/ioctl.h>

#include "ask.h"
#include "sys.h"
#include "util.h"

static int on_hello(struct ask *ask, struct err *err) {
	struct monitor *monitor = ask->monitor;
	uint8_t bytes[ENVELOPE];
	struct enc enc = ENC(bytes);

	(void)err;
	reply_begin(&enc, ask->request.seq, 0);
	enc_map(&enc, monitor->exited ? 4 : 3);
	enc_str(&enc, "id");
	enc_str(&enc, monitor->keep.id);
	enc_str(&enc, "pid");
	enc_uint(&enc, (uint64_t)monitor->first.process.pid);
	enc_str(&enc, "running");
	enc_bool(&enc, !monitor->exited);
	if (monitor->exited) {
		enc_str(&enc, "exit");
		enc_exit(&enc, &monitor->exit, 0);
	}
	ask->client->notices = true;
	conn_send(&ask->client->conn, bytes, enc.len);
	return 0;
}

/* The process an optional "exec" names; NULL without an error when it is gone. */
static int find_job(struct ask *ask, struct job **out, struct err *err) {
	const char *id;

	*out = &ask->monitor->first;
	if (map_text_or_null(ask->request.arg, "exec", &id, err) < 0) return -1;
	if (!id) return 0;
	for (*out = ask->monitor->execs; *out; *out = (*out)->next)
		if (!(*out)->ended && strcmp((*out)->id, id) == 0) return 0;
	return 0;
}

static int on_signal(struct ask *ask, struct err *err) {
	struct job *job;
	uint64_t number;

	if (find_job(ask, &job, err) < 0 || map_number(ask->request.arg, "signal", 64, &number, err) < 0) return -1;
	if (job && !job->ended && job_signal(job, (int)number) < 0 && errno != ESRCH) return err_sys(err, "cannot send the signal");
	reply_empty(&ask->client->conn, ask->request.seq);
	return 0;
}

static int on_resize(struct ask *ask, struct err *err) {
	struct winsize size = { 0 };
	struct job *job;
	uint64_t rows, cols;

	if (find_job(ask, &job, err) < 0 || map_number(ask->request.arg, "rows", UINT16_MAX, &rows, err) < 0 ||
	    map_number(ask->request.arg, "cols", UINT16_MAX, &cols, err) < 0)
		return -1;
	size.ws_row = (unsigned short)rows;
	size.ws_col = (unsigned short)cols;
	if (job && job->process.terminal && job->process.out >= 0 && ioctl(job->process.out, TIOCSWINSZ, &size) < 0)
		return err_sys(err, "cannot change the terminal's size");
	reply_empty(&ask->client->conn, ask->request.seq);
	return 0;
}

static int on_attach(struct ask *ask, struct err *err) {
	struct client *client = ask->client;
	bool feeds;

	if (map_flag(ask->request.arg, "stdin", &feeds, err) < 0) return -1;
	if (client->attached || client->exec) return err_set(err, EBUSY, "the connection carries a stream already");
	client->seq = ask->request.seq;
	client->attached = true;
	client->feeds = feeds;
	reply_empty(&client->conn, client->seq);
	if (!ask->monitor->exited) return 0;
	client_send_exit(client, &ask->monitor->exit);
	client->attached = false;
	return 0;
}

static int check_exec(struct ask *ask, const struct exec_plan *plan, struct err *err) {
	struct monitor *monitor = ask->monitor;

	if (monitor->exited || monitor->first.ended) return err_set(err, ESRCH, "the container has ended");
	if (ask->client->attached || ask->client->exec) return err_set(err, EBUSY, "the connection carries a stream already");
	if (monitor->exec_count >= MAX_EXECS) return err_set(err, EAGAIN, "%d execs run already", MAX_EXECS);
	for (const struct job *job = monitor->execs; job; job = job->next)
		if (!job->ended && strcmp(job->id, plan->exec) == 0) return err_set(err, EEXIST, "there is an exec %s already", plan->exec);
	return 0;
}

static void reply_pid(struct ask *ask, int pid) {
	uint8_t bytes[64];
	struct enc enc = ENC(bytes);

	reply_begin(&enc, ask->request.seq, 0);
	enc_map(&enc, 1);
	enc_str(&enc, "pid");
	enc_uint(&enc, (uint64_t)pid);
	conn_send(&ask->client->conn, bytes, enc.len);
}

static int on_exec(struct ask *ask, struct err *err) {
	struct monitor *monitor = ask->monitor;
	autofree struct job *job = calloc(1, sizeof *job);
	struct exec_plan plan;

	if (exec_plan_check(ask->arena, ask->request.arg, &plan, err) < 0) return -1;
	err->step = "exec";
	if (check_exec(ask, &plan, err) < 0) return -1;
	if (!job || !(job->id = strdup(plan.exec))) return err_set(err, ENOMEM, "no memory for the exec");
	job->process = (struct process)PROCESS_INIT;
	err->step = "";
	if (launch_exec(&monitor->launch, &plan, monitor->first.process.pidfd, &job->process, err) < 0) {
		free(job->id);
		return -1;
	}
	job->input_open = plan.io.stdin_open;
	job->detached = plan.detach;
	job->owner = ask->client;
	ask->client->seq = ask->request.seq;
	ask->client->exec = job;
	ask->client->feeds = plan.io.stdin_open;
	reply_pid(ask, job->process.pid);
	job->next = monitor->execs;
	monitor->execs = job;
	monitor->exec_count++;
	job = NULL;
	return 0;
}

/* [seq, "stdin", bytes or nil] */
static int on_stdin(struct ask *ask, struct err *err) {
	struct client *client = ask->client;
	struct job *job = client->exec ? client->exec : client->attached ? &ask->monitor->first : NULL;
	const struct node *data = ask->request.arg;

	if (data->type != NODE_NIL && data->type != NODE_BIN) return err_set(err, EBADMSG, "input must be bytes or nil");
	if (!job || !client->feeds || ask->request.seq != client->seq || !job->input_open) return 0;
	if (data->type == NODE_BIN) {
		job_add_input(job, data->str, data->len);
		return 0;
	}
	client->feeds = false;
	if (job->process.terminal || (!job->id && !ask->monitor->stdin_once)) return 0;
	job->input_ended = true;
	job_feed(job);
	return 0;
}

int client_answer(struct ask *ask, struct err *err) {
	static const struct {
		const char *op;
		int (*run)(struct ask *ask, struct err *err);
	} ops[] = {
		{ "stdin", on_stdin }, { "hello", on_hello }, { "signal", on_signal },
		{ "resize", on_resize }, { "attach", on_attach }, { "exec", on_exec },
	};

	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		if (strcmp(ops[i].op, ask->request.op) == 0) return ops[i].run(ask, err);
	return err_set(err, EBADMSG, "a monitor has no request %.40s", ask->request.op);
}
