/* The monitor of one container: its parts share this state. monitor.c runs it, job.c has the processes, client.c who asks. */
#ifndef CORE_MONITOR_H
#define CORE_MONITOR_H

#include "conn.h"
#include "keep.h"
#include "launch.h"
#include "log.h"
#include "oom.h"
#include "record.h"

struct client;

/* A process under watch: the container's first one, or an exec's. */
struct job {
	struct job *next;
	char *id; /* of an exec; NULL: the first process */
	struct process process;
	struct client *owner; /* who gets an exec's output */
	struct buf input;
	bool input_open;  /* more may come */
	bool input_ended; /* closed once `input` is empty */
	bool detached;    /* lives on without its owner */
	bool ended;
};

struct client {
	struct client *next;
	struct conn conn;
	uint64_t seq;     /* of the stream: an exec's or an attachment's */
	struct job *exec; /* its own process */
	bool notices, attached, feeds;
};

struct monitor {
	struct launch launch;
	struct keep keep;
	struct log log;
	struct oom oom;
	struct network network;
	struct job first;
	struct job *execs;
	struct client *clients;
	int report;    /* the executor's socket; -1 when that is gone */
	int listener;  /* dir/ctl */
	int mount_ns;  /* held past the exit notice, so that tearing mounts down waits for nobody */
	uint64_t start_seq;
	unsigned client_count, exec_count;
	bool dir_made, stdin_once, oom_killed, exited;
	struct exit_record exit;
};

enum { MAX_CLIENTS = 128, MAX_EXECS = 256 };

struct start {
	struct launch launch;
	struct plan *plan;
	struct keep keep; /* taken over */
	uint64_t seq;
	int report;
	/* Gives back the memory of plan and request, once they are not needed. */
	void (*release)(void *);
	void *held;
};

/* Messages to the executor: one of these letters, then a whole frame for the client that asked. */
enum { REPORT_STARTED = 'R', REPORT_FAILED = 'E', REPORT_OOM = 'O', REPORT_EXIT = 'X' };
/* And the one that comes back. */
enum { REPORT_KILL = 'K' };

/* Runs in a process of its own and returns its exit status: 0 when all is told and torn down. */
int monitor_run(struct start *start);

/* start.c: everything up to the reply. */
int monitor_start(struct monitor *monitor, struct start *start, struct err *err);
/* Sends a frame's body to the executor. */
void monitor_report(struct monitor *monitor, char letter, const struct enc *body);

/* job.c */
/* Reads what is there; at most `limit` bytes. */
void job_pump(struct monitor *monitor, struct job *job, size_t limit);
void job_feed(struct job *job);
void job_add_input(struct job *job, const void *data, size_t len);
/* Reaps; `code` and `status` as siginfo has them. */
int job_reap(struct job *job, int *code, int *status);
int job_signal(const struct job *job, int number);
bool job_held_back(const struct monitor *monitor, const struct job *job);
void exec_finish(struct monitor *monitor, struct job *job);
void jobs_sweep(struct monitor *monitor);

/* client.c */
void client_accept(struct monitor *monitor);
void client_read(struct monitor *monitor, struct client *client);
void clients_sweep(struct monitor *monitor, int64_t now);
void client_send_item(struct client *client, int stream, const void *data, size_t len);
void client_send_exit(struct client *client, const struct exit_record *record);

#endif
