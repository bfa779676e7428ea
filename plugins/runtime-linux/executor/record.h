/* The records of a container: `dir/state` while it runs, `dir/exit` once it has ended. */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include "msgpack.h"

struct exit_record {
	int code, signal; /* signal 0: none */
	bool oom_killed;
	const char *reason; /* NULL: the command itself ended */
	int64_t started_at, finished_at;
};

struct state_record {
	int pid, monitor;
	uint64_t start_time, monitor_start_time;
	int64_t started_at;
};

/* Both appear by rename, readable by their owner only. */
int record_write_state(const char *dir, const struct state_record *state, struct err *err);
int record_write_exit(const char *dir, const struct exit_record *record, struct err *err);
int record_write_bytes(const char *dir, const char *name, const void *data, size_t len, struct err *err);
/* -1 when there is no such record or it makes no sense. */
int record_read_state(const char *dir, struct state_record *out);
bool record_has_exit(const char *dir);
/* Six fields of the record, behind a map header that counts `more` others of the caller's. */
void enc_exit(struct enc *enc, const struct exit_record *record, uint32_t more);
/* From a child's siginfo. */
void exit_from_wait(struct exit_record *record, int code, int status);

#endif
