/* Writes the log of log.h: raw output comes in, lines with time and stream go out. Called by the monitor; a failing disk
 * loses lines but never stops the container. */
#define _GNU_SOURCE
#include "log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "util.h"

enum { LINE_LIMIT = 16 * 1024, BATCH = 4 * 1024, STAMP = 48 };

/* Records on their way to the file; `limit` is where the next one would have to rotate. */
struct batch {
	struct log *log;
	size_t stamp_len, len;
	char stamp[STAMP];
	char data[BATCH];
};

int log_open(struct log *log, const struct io_plan *io, struct err *err) {
	struct stat info;

	if (!io->log) return 0;
	log->path = strdup(io->log);
	if (!log->path) return err_set(err, ENOMEM, "no memory for the log");
	log->max_bytes = io->log_max_bytes;
	log->max_files = io->log_max_files;
	log->fd = openat(AT_FDCWD, log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	if (log->fd < 0) return err_sys(err, "cannot open the log %s", log->path);
	if (fstat(log->fd, &info) == 0) log->size = (uint64_t)info.st_size;
	return 0;
}

static void two_digits(char *out, unsigned number) {
	out[0] = (char)('0' + number / 10 % 10);
	out[1] = (char)('0' + number % 10);
}

/* Days since the epoch to a date of the Gregorian calendar, counted from 1 March of year 0 in spans of 400 years. */
static void put_date(char *out, int64_t days) {
	int64_t shifted = days + 719468, era = shifted / 146097;
	unsigned day = (unsigned)(shifted - era * 146097);
	unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	unsigned of_year = day - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * of_year + 2) / 153;
	unsigned full = (unsigned)(era * 400) + year + (month >= 10);

	two_digits(out, full / 100);
	two_digits(out + 2, full % 100);
	out[4] = out[7] = '-';
	two_digits(out + 5, month < 10 ? month + 3 : month - 9);
	two_digits(out + 8, of_year - (153 * month + 2) / 5 + 1);
}

/* `2006-01-02T15:04:05.000000000Z stdout F `; the tag is the last but one letter. */
static void put_stamp(struct batch *batch, int stream) {
	const char *name = stream == LOG_STDOUT ? " stdout F " : " stderr F ";
	char *out = batch->stamp;
	struct timespec now;
	unsigned second, nanoseconds;

	clock_gettime(CLOCK_REALTIME, &now);
	second = (unsigned)(now.tv_sec % 86400);
	nanoseconds = (unsigned)now.tv_nsec;
	put_date(out, now.tv_sec / 86400);
	out[10] = 'T';
	two_digits(out + 11, second / 3600);
	out[13] = out[16] = ':';
	two_digits(out + 14, second / 60 % 60);
	two_digits(out + 17, second % 60);
	out[19] = '.';
	for (int i = 28; i >= 20; i--, nanoseconds /= 10) out[i] = (char)('0' + nanoseconds % 10);
	out[29] = 'Z';
	memcpy(out + 30, name, 10);
	batch->stamp_len = 40;
}

static void batch_flush(struct batch *batch) {
	if (batch->len && batch->log->fd >= 0) (void)write_all(batch->log->fd, batch->data, batch->len);
	batch->len = 0;
}

static void batch_put(struct batch *batch, const char *data, size_t len) {
	while (len) {
		size_t room = sizeof batch->data - batch->len, some = len < room ? len : room;

		memcpy(batch->data + batch->len, data, some);
		batch->len += some;
		data += some;
		len -= some;
		if (batch->len == sizeof batch->data) batch_flush(batch);
	}
}

static void numbered(char *out, size_t cap, const char *path, uint32_t number) {
	if (number) snprintf(out, cap, "%s.%u", path, number);
	else snprintf(out, cap, "%s", path);
}

static void rotate(struct log *log) {
	char from[4096 + 16], to[4096 + 16];
	int fd;

	for (uint32_t number = log->max_files - 1; number > 0; number--) {
		numbered(from, sizeof from, log->path, number - 1);
		numbered(to, sizeof to, log->path, number);
		(void)rename(from, to);
	}
	fd = openat(AT_FDCWD, log->path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0) return;
	fd_close(&log->fd);
	log->fd = fd;
	log->size = 0;
}

static void put_record(struct batch *batch, const struct log_part *part, const char *data, size_t len, char tag) {
	struct log *log = batch->log;
	size_t head = part ? part->len : 0, whole = batch->stamp_len + head + len + 1;

	if (log->max_bytes && log->size && log->size + whole > log->max_bytes) {
		batch_flush(batch);
		rotate(log);
	}
	batch->stamp[38] = tag;
	batch_put(batch, batch->stamp, batch->stamp_len);
	if (head) batch_put(batch, part->data, head);
	batch_put(batch, data, len);
	batch_put(batch, "\n", 1);
	log->size += whole;
}

static void part_free(struct log_part *part) {
	free(part->data);
	*part = (struct log_part){ 0 };
}

static bool part_keep(struct log_part *part, const char *data, size_t len) {
	if (part->len + len > part->cap) {
		size_t cap = part->cap ? part->cap : 256;
		char *grown;

		while (cap < part->len + len) cap *= 2;
		grown = realloc(part->data, cap);
		if (!grown) return false;
		part->data = grown;
		part->cap = cap;
	}
	memcpy(part->data + part->len, data, len);
	if (!part->len) part->since = monotonic_ms();
	part->len += len;
	return true;
}

void log_add(struct log *log, int stream, const char *data, size_t len) {
	struct log_part *part = &log->part[stream];
	struct batch batch;

	if (!log->path) return;
	batch.log = log;
	batch.len = 0;
	put_stamp(&batch, stream);
	while (len) {
		const char *end = memchr(data, '\n', len);
		size_t text = end ? (size_t)(end - data) : len, room = LINE_LIMIT - part->len;

		if (text > room) put_record(&batch, part, data, text = room, 'P');
		else if (end) put_record(&batch, part, data, text++, 'F');
		else if (part_keep(part, data, text)) break;
		else put_record(&batch, part, data, text, 'P');
		part_free(part);
		data += text;
		len -= text;
	}
	batch_flush(&batch);
}

static void part_flush(struct log *log, int stream) {
	struct log_part *part = &log->part[stream];
	struct batch batch;

	batch.log = log;
	batch.len = 0;
	put_stamp(&batch, stream);
	put_record(&batch, part, "", 0, 'P');
	batch_flush(&batch);
	part_free(part);
}

int log_tick(struct log *log, int64_t now) {
	int next = -1;

	for (int stream = 0; stream < 2; stream++) {
		int64_t left = log->part[stream].since + LOG_WAIT_MS - now;

		if (!log->part[stream].len) continue;
		if (left <= 0) part_flush(log, stream);
		else if (next < 0 || left < next) next = (int)left;
	}
	return next;
}

void log_flush(struct log *log) {
	for (int stream = 0; stream < 2; stream++)
		if (log->part[stream].len) part_flush(log, stream);
}

void log_close(struct log *log) {
	log_flush(log);
	fd_close(&log->fd);
	free(log->path);
	log->path = NULL;
}
