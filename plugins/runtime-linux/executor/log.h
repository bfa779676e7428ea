/* A container's log: CRI line format (`TIME STREAM F|P TEXT`), rotated by size. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdint.h>

#include "err.h"
#include "plan.h"

enum { LOG_STDOUT, LOG_STDERR };

/* The beginning of a line whose end has not come yet. */
struct log_part {
	char *data;
	size_t len, cap;
	int64_t since; /* monotonic ms */
};

struct log {
	char *path; /* NULL: nothing is kept */
	int fd;
	uint64_t size, max_bytes;
	uint32_t max_files;
	struct log_part part[2];
};

int log_open(struct log *log, const struct io_plan *io, struct err *err);
/* Whole lines are written at once; the rest waits for its newline, at most LOG_WAIT_MS or 16 KiB. */
void log_add(struct log *log, int stream, const char *data, size_t len);
enum { LOG_WAIT_MS = 250 };
/* Writes the parts that have waited long enough; how many ms until the next one has, or -1. */
int log_tick(struct log *log, int64_t now);
/* Writes what waits for its newline. */
void log_flush(struct log *log);
/* The same, and closes. */
void log_close(struct log *log);

#endif
