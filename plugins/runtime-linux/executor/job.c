/* The processes a monitor watches: their output goes to log and clients, input to them, their end is told. Called by the
 * monitor's loop. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/wait.h>

#include "monitor.h"
#include "sys.h"
#include "util.h"

enum { CHUNK = 4096, DRAIN_LIMIT = 4 * 1024 * 1024 };

bool job_held_back(const struct monitor *monitor, const struct job *job) {
	if (job->id) return job->owner && job->owner->conn.out.len >= HIGH_WATER;
	for (const struct client *client = monitor->clients; client; client = client->next)
		if (client->attached && client->conn.out.len >= HIGH_WATER) return true;
	return false;
}

static void deliver(struct monitor *monitor, struct job *job, int stream, const char *data, size_t len) {
	if (job->id) {
		if (job->owner) client_send_item(job->owner, stream, data, len);
		return;
	}
	log_add(&monitor->log, stream - 1, data, len);
	for (struct client *client = monitor->clients; client; client = client->next)
		if (client->attached) client_send_item(client, stream, data, len);
}

static void pump_one(struct monitor *monitor, struct job *job, int stream, size_t limit) {
	int *fd = stream == 1 ? &job->process.out : &job->process.err;
	char chunk[CHUNK];
	size_t total = 0;

	while (*fd >= 0 && total < limit) {
		ssize_t got = read(*fd, chunk, sizeof chunk);

		if (got < 0 && errno == EINTR) continue;
		if (got < 0 && errno == EAGAIN) return;
		/* EIO is how a terminal ends. */
		if (got <= 0) {
			if (job->process.in == *fd) job->process.in = -1;
			fd_close(fd);
			return;
		}
		total += (size_t)got;
		deliver(monitor, job, stream, chunk, (size_t)got);
		/* A pipe that gives less is empty; a terminal gives line by line. */
		if ((size_t)got < sizeof chunk && !job->process.terminal) return;
	}
}

void job_pump(struct monitor *monitor, struct job *job, size_t limit) {
	pump_one(monitor, job, 1, limit);
	pump_one(monitor, job, 2, limit);
}

static void close_input(struct job *job) {
	buf_free(&job->input);
	job->input_open = false;
	/* A terminal is one descriptor for both ways. */
	if (job->process.in == job->process.out) job->process.in = -1;
	fd_close(&job->process.in);
}

void job_feed(struct job *job) {
	while (job->input.len && job->process.in >= 0) {
		ssize_t done = write(job->process.in, buf_head(&job->input), job->input.len);

		if (done < 0 && errno == EINTR) continue;
		if (done < 0 && errno == EAGAIN) return;
		if (done < 0) {
			close_input(job);
			return;
		}
		buf_drop(&job->input, (size_t)done);
	}
	if (!job->input.len && job->input_ended) close_input(job);
	else if (!job->input.len) buf_free(&job->input);
}

void job_add_input(struct job *job, const void *data, size_t len) {
	if (job->process.in < 0 || job->input_ended || job->ended) return;
	if (buf_add(&job->input, data, len) < 0) close_input(job);
	job_feed(job);
}

/* An exec leads a group of its own: what it started and did not move elsewhere is meant as well. Its pid cannot be another's
 * before it is reaped, and it is reaped where `ended` is set. */
int job_signal(const struct job *job, int number) {
	if (job->id && kill(-job->process.pid, number) == 0) return 0;
	return sys_pidfd_send_signal(job->process.pidfd, number);
}

int job_reap(struct job *job, int *code, int *status) {
	siginfo_t info = { 0 };

	if (waitid((idtype_t)3 /* P_PIDFD */, (id_t)job->process.pidfd, &info, WEXITED | WNOHANG) < 0) return -1;
	if (info.si_pid == 0) return 0;
	*code = info.si_code;
	*status = info.si_status;
	return 1;
}

void exec_finish(struct monitor *monitor, struct job *job) {
	struct exit_record record = { 0 };
	int code = CLD_KILLED, status = SIGKILL;

	if (job->ended || job_reap(job, &code, &status) == 0) return;
	job_pump(monitor, job, DRAIN_LIMIT);
	exit_from_wait(&record, code, status);
	if (job->owner) {
		client_send_exit(job->owner, &record);
		job->owner->exec = NULL;
	}
	job->ended = true;
}

void jobs_sweep(struct monitor *monitor) {
	for (struct job **link = &monitor->execs; *link;) {
		struct job *job = *link;

		if (!job->ended) {
			link = &job->next;
			continue;
		}
		*link = job->next;
		monitor->exec_count--;
		close_input(job);
		fd_close(&job->process.out);
		fd_close(&job->process.err);
		fd_close(&job->process.pidfd);
		free(job->id);
		free(job);
	}
}
