/* Writes and reads the records of record.h: the run-time truth that a new kernel finds. Called by monitor and reap. */
#define _GNU_SOURCE
#include "record.h"

#include <fcntl.h>
#include <stdio.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>

#include "util.h"

int record_write_bytes(const char *dir, const char *name, const void *data, size_t len, struct err *err) {
	char path[PATH_MAX], fresh[PATH_MAX];
	struct text temporary = TEXT(fresh);
	autofd fd = -1;

	if (join_path(path, sizeof path, dir, name) < 0) return err_sys(err, "the record's path is too long");
	text_add(&temporary, path);
	text_add(&temporary, ".new");
	if (temporary.over) return err_set(err, ENAMETOOLONG, "the record's path is too long");
	fd = openat(AT_FDCWD, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || write_all(fd, data, len) < 0 || rename(fresh, path) < 0) return err_sys(err, "cannot write %s", path);
	return 0;
}

static void add_field(struct text *text, const char *name, int64_t number) {
	text_add(text, text->len ? "," : "{");
	text_add_json(text, name);
	text_add(text, ":");
	text_add_number(text, number);
}

int record_write_state(const char *dir, const struct state_record *state, struct err *err) {
	char json[256];
	struct text text = TEXT(json);

	add_field(&text, "pid", state->pid);
	add_field(&text, "startTime", (int64_t)state->start_time);
	add_field(&text, "monitor", state->monitor);
	add_field(&text, "monitorStartTime", (int64_t)state->monitor_start_time);
	add_field(&text, "startedAt", state->started_at);
	text_add(&text, "}");
	return record_write_bytes(dir, "state", json, text.len, err);
}

int record_write_exit(const char *dir, const struct exit_record *record, struct err *err) {
	char json[256];
	struct text text = TEXT(json);

	add_field(&text, "exitCode", record->code);
	if (record->signal) add_field(&text, "signal", record->signal);
	text_add(&text, record->oom_killed ? ",\"oomKilled\":true" : ",\"oomKilled\":false");
	if (record->reason) {
		text_add(&text, ",\"reason\":");
		text_add_json(&text, record->reason);
	}
	add_field(&text, "startedAt", record->started_at);
	add_field(&text, "finishedAt", record->finished_at);
	text_add(&text, "}");
	return record_write_bytes(dir, "exit", json, text.len, err);
}

/* Our own JSON: the fields are known and hold plain numbers. */
static int64_t find_field(const char *json, const char *name) {
	const char *at = strstr(json, name);

	return at ? strtoll(at + strlen(name), NULL, 10) : -1;
}

int record_read_state(const char *dir, struct state_record *out) {
	char path[PATH_MAX], json[512];

	if (join_path(path, sizeof path, dir, "state") < 0 || read_file_at(AT_FDCWD, path, json, sizeof json) <= 0) return -1;
	out->pid = (int)find_field(json, "\"pid\":");
	out->start_time = (uint64_t)find_field(json, "\"startTime\":");
	out->monitor = (int)find_field(json, "\"monitor\":");
	out->monitor_start_time = (uint64_t)find_field(json, "\"monitorStartTime\":");
	out->started_at = find_field(json, "\"startedAt\":");
	return out->pid > 0 && out->monitor > 0 ? 0 : -1;
}

bool record_has_exit(const char *dir) {
	char path[PATH_MAX];

	return join_path(path, sizeof path, dir, "exit") == 0 && access(path, F_OK) == 0;
}

void enc_exit(struct enc *enc, const struct exit_record *record, uint32_t more) {
	enc_map(enc, more + 4 + (record->signal != 0) + (record->reason != NULL));
	enc_str(enc, "exitCode");
	enc_int(enc, record->code);
	if (record->signal) {
		enc_str(enc, "signal");
		enc_int(enc, record->signal);
	}
	enc_str(enc, "oomKilled");
	enc_bool(enc, record->oom_killed);
	if (record->reason) {
		enc_str(enc, "reason");
		enc_str(enc, record->reason);
	}
	enc_str(enc, "startedAt");
	enc_uint(enc, (uint64_t)record->started_at);
	enc_str(enc, "finishedAt");
	enc_uint(enc, (uint64_t)record->finished_at);
}

void exit_from_wait(struct exit_record *record, int code, int status) {
	bool exited = code == CLD_EXITED;

	record->code = exited ? status : 128 + status;
	record->signal = exited ? 0 : status;
}
