/* The life of one container after the fork: a start comes in, an exit status goes out when everything is told and torn
 * down. Called by the executor's server. */
#define _GNU_SOURCE
#include "monitor.h"

#include <poll.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#include "sys.h"
#include "util.h"

enum { LAST_WORDS_MS = 10000, EXECS_END_MS = 2000, PUMP_LIMIT = 64 * 1024 };
enum watch { WATCH_REPORT, WATCH_LISTENER, WATCH_OOM, WATCH_END, WATCH_OUT, WATCH_ERR, WATCH_IN, WATCH_CLIENT };

/* What one poll looks at. Kept between rounds, so that a quiet monitor allocates nothing. */
struct round {
	struct pollfd *fds;
	struct { enum watch watch; void *subject; } *tags;
	size_t count, cap;
};

static void watch(struct round *round, int fd, short events, enum watch kind, void *subject) {
	if (fd < 0 || round->count == round->cap) return;
	round->fds[round->count] = (struct pollfd){ .fd = fd, .events = events };
	round->tags[round->count].watch = kind;
	round->tags[round->count++].subject = subject;
}

static void watch_job(struct round *round, const struct monitor *monitor, struct job *job) {
	bool held = job_held_back(monitor, job);

	if (!job->ended) watch(round, job->process.pidfd, POLLIN, WATCH_END, job);
	if (!held) {
		watch(round, job->process.out, POLLIN, WATCH_OUT, job);
		watch(round, job->process.err, POLLIN, WATCH_ERR, job);
	}
	if (job->input.len || job->input_ended) watch(round, job->process.in, POLLOUT, WATCH_IN, job);
}

static int make_room(struct round *round, const struct monitor *monitor) {
	size_t want = 8 + 4 * (size_t)monitor->exec_count + monitor->client_count;
	void *fds, *tags;

	round->count = 0;
	if (want <= round->cap) return 0;
	fds = realloc(round->fds, want * sizeof *round->fds);
	if (fds) round->fds = fds;
	tags = realloc(round->tags, want * sizeof *round->tags);
	if (tags) round->tags = tags;
	if (!fds || !tags) return -1;
	round->cap = want;
	return 0;
}

static void fill(struct round *round, struct monitor *monitor) {
	if (make_room(round, monitor) < 0) return;
	watch(round, monitor->report, POLLIN, WATCH_REPORT, NULL);
	watch(round, monitor->listener, POLLIN, WATCH_LISTENER, NULL);
	watch(round, monitor->oom.events, POLLIN, WATCH_OOM, NULL);
	watch_job(round, monitor, &monitor->first);
	for (struct job *job = monitor->execs; job; job = job->next) watch_job(round, monitor, job);
	for (struct client *client = monitor->clients; client; client = client->next) {
		const struct job *fed = client->exec ? client->exec : client->feeds ? &monitor->first : NULL;
		bool full = fed && fed->input.len >= HIGH_WATER / 4;

		watch(round, client->conn.fd, (short)((full || client->conn.closing ? 0 : POLLIN) | (client->conn.out.len ? POLLOUT : 0)), WATCH_CLIENT, client);
	}
}

static void tell_oom(struct monitor *monitor) {
	uint8_t bytes[ENVELOPE];
	struct enc enc = ENC(bytes);

	if (!oom_check(&monitor->oom)) return;
	monitor->oom_killed = true;
	enc_array(&enc, 3);
	enc_uint(&enc, 0);
	enc_str(&enc, "oom");
	enc_map(&enc, 1);
	enc_str(&enc, "id");
	enc_str(&enc, monitor->keep.id);
	monitor_report(monitor, REPORT_OOM, &enc);
	for (struct client *client = monitor->clients; client; client = client->next)
		if (client->notices) conn_send(&client->conn, bytes, enc.len);
}

/* The executor says one thing only; its end means nothing to the container. */
static void hear_executor(struct monitor *monitor) {
	char letter;
	ssize_t got = recv(monitor->report, &letter, 1, MSG_DONTWAIT);

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) fd_close(&monitor->report);
	if (got != 1 || letter != REPORT_KILL) return;
	(void)sys_pidfd_send_signal(monitor->first.process.pidfd, SIGKILL);
	keep_kill(&monitor->keep);
}

static void on_client(struct monitor *monitor, struct client *client, short events) {
	if (events & POLLOUT) conn_flush(&client->conn);
	if (events & POLLIN) client_read(monitor, client);
	else if (events & (POLLHUP | POLLERR)) client->conn.broken = true;
}

static void on_event(struct monitor *monitor, enum watch kind, void *subject, short events) {
	struct job *job = subject;

	switch (kind) {
	case WATCH_REPORT: hear_executor(monitor); break;
	case WATCH_LISTENER: client_accept(monitor); break;
	case WATCH_OOM: tell_oom(monitor); break;
	case WATCH_END:
		if (job->id) exec_finish(monitor, job);
		else job->ended = true;
		break;
	case WATCH_OUT:
	case WATCH_ERR: job_pump(monitor, job, PUMP_LIMIT); break;
	case WATCH_IN: job_feed(job); break;
	case WATCH_CLIENT: on_client(monitor, subject, events); break;
	}
}

static int sooner(int a, int b) {
	return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

/* Waits for one batch of events and handles it. Nothing is freed before the sweep, so the round's subjects stay valid. */
static void turn(struct monitor *monitor, struct round *round, int timeout) {
	bool waiting = false;
	int64_t now = monotonic_ms();

	timeout = sooner(timeout, log_tick(&monitor->log, now));
	for (struct client *client = monitor->clients; client; client = client->next) {
		if (conn_stalled(&client->conn, now) || client->conn.stalled_at) waiting = true;
		/* Frames that came before the input was full are taken up again. */
		if (client->conn.in.len && !client->conn.closing) client_read(monitor, client);
	}
	fill(round, monitor);
	if (poll(round->fds, round->count, sooner(timeout, waiting ? 500 : -1)) > 0)
		for (size_t i = 0; i < round->count; i++)
			if (round->fds[i].revents) on_event(monitor, round->tags[i].watch, round->tags[i].subject, round->fds[i].revents);
	jobs_sweep(monitor);
	clients_sweep(monitor, monotonic_ms());
}

static void tell_exit(struct monitor *monitor) {
	uint8_t bytes[ENVELOPE];
	struct enc enc = ENC(bytes);

	enc_array(&enc, 3);
	enc_uint(&enc, 0);
	enc_str(&enc, "exit");
	enc_exit(&enc, &monitor->exit, 1);
	enc_str(&enc, "id");
	enc_str(&enc, monitor->keep.id);
	monitor_report(monitor, REPORT_EXIT, &enc);
	for (struct client *client = monitor->clients; client; client = client->next) {
		if (client->notices) conn_send(&client->conn, bytes, enc.len);
		if (client->attached) client_send_exit(client, &monitor->exit);
		client->attached = false;
	}
}

static void first_ended(struct monitor *monitor) {
	struct err ignored = ERR_INIT;
	int code = 0, status = 0;

	if (job_reap(&monitor->first, &code, &status) > 0) exit_from_wait(&monitor->exit, code, status);
	tell_oom(monitor);
	job_pump(monitor, &monitor->first, HIGH_WATER * 16);
	/* Who learns of the exit finds the last words in the log. */
	log_flush(&monitor->log);
	monitor->exit.oom_killed = monitor->oom_killed;
	monitor->exit.finished_at = now_ms();
	monitor->exited = true;
	(void)record_write_exit(monitor->keep.dir, &monitor->exit, &ignored);
	tell_exit(monitor);
}

static bool is_busy(const struct monitor *monitor) {
	for (const struct client *client = monitor->clients; client; client = client->next)
		if (client->conn.out.len) return true;
	return false;
}

/* What is left is killed, the mounts and groups go, and who still waits for bytes gets them. */
static void wind_up(struct monitor *monitor, struct round *round) {
	int64_t deadline = monotonic_ms() + EXECS_END_MS;

	fd_close(&monitor->mount_ns);
	oom_close(&monitor->oom);
	keep_kill(&monitor->keep);
	network_end(&monitor->network);
	while (monitor->execs && monotonic_ms() < deadline) turn(monitor, round, 100);
	job_pump(monitor, &monitor->first, HIGH_WATER * 16);
	log_close(&monitor->log);
	keep_tear_down(&monitor->keep);
	deadline = monotonic_ms() + LAST_WORDS_MS;
	do turn(monitor, round, 0);
	while (is_busy(monitor) && monotonic_ms() < deadline && (turn(monitor, round, 100), true));
}

static void close_ctl(struct monitor *monitor) {
	char path[PATH_MAX];

	if (join_path(path, sizeof path, monitor->keep.dir, "ctl") == 0) (void)unlink(path);
	fd_close(&monitor->listener);
}

int monitor_run(struct start *start) {
	struct monitor monitor = {
		.launch = start->launch, .keep = start->keep, .log = { .fd = -1 }, .oom = OOM_INIT, .network = NETWORK_INIT, .report = start->report, .listener = -1,
		.mount_ns = -1, .start_seq = start->seq, .first = { .process = PROCESS_INIT },
	};
	struct round round = { 0 };
	struct err err = ERR_INIT;

	if (monitor_start(&monitor, start, &err) < 0) return 0;
	while (!monitor.first.ended) turn(&monitor, &round, -1);
	first_ended(&monitor);
	wind_up(&monitor, &round);
	close_ctl(&monitor);
	for (struct client *client = monitor.clients; client; client = client->next) conn_close(&client->conn);
	return 0;
}
