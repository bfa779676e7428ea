/* Small tools every file uses: cleanup attributes, whole writes, numbers as text without stdio. */
#ifndef CORE_UTIL_H
#define CORE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "err.h"

static inline void cleanup_fd(const int *fd) {
	if (*fd >= 0) close(*fd);
}

static inline void cleanup_free(void *pointer) {
	free(*(void **)pointer);
}

#define autofd __attribute__((cleanup(cleanup_fd))) int
#define autofree __attribute__((cleanup(cleanup_free)))

/* Closes and forgets; harmless on -1. */
static inline void fd_close(int *fd) {
	if (*fd >= 0) close(*fd);
	*fd = -1;
}

static inline int fd_take(int *fd) {
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Text under construction in a caller's array; `over` says that something did not fit. */
struct text {
	char *data;
	size_t len, cap;
	bool over;
};

#define TEXT(array) { (array), 0, sizeof(array), false }

void text_add(struct text *text, const char *words);
void text_add_bytes(struct text *text, const char *bytes, size_t len);
void text_add_number(struct text *text, int64_t number);
/* A JSON string with its quotes. */
void text_add_json(struct text *text, const char *words);

/* The whole of `data`, through short writes; -1 with errno. */
int write_all(int fd, const void *data, size_t len);
/* Up to `cap - 1` bytes, ended by NUL; the length, or -1 with errno. */
ssize_t read_file_at(int dir, const char *path, char *out, size_t cap);
/* dir + "/" + name into `out` of `cap` bytes. */
int join_path(char *out, size_t cap, const char *dir, const char *name);
int64_t now_ms(void);       /* since the epoch */
int64_t monotonic_ms(void);
/* Field 22 of /proc/PID/stat, in clock ticks since boot; 0 when there is no such process. */
uint64_t process_start_time(int pid);

#endif
