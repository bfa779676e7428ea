/* Counts OOM kills of a group of either cgroup version. Called by the monitor. */
#define _GNU_SOURCE
#include "oom.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include "util.h"

static void watch_v1(struct oom *oom, const char *path) {
	char name[4096], line[32];
	struct text text = TEXT(line);
	autofd control = -1;

	if (join_path(name, sizeof name, path, "cgroup.event_control") < 0) return;
	control = openat(AT_FDCWD, name, O_WRONLY | O_CLOEXEC);
	oom->events = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	text_add_number(&text, oom->events);
	text_add(&text, " ");
	text_add_number(&text, oom->counts);
	if (control < 0 || write(control, line, text.len) < 0) fd_close(&oom->events);
}

static void watch_v2(struct oom *oom, const char *file) {
	oom->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (inotify_add_watch(oom->events, file, IN_MODIFY) < 0) fd_close(&oom->events);
}

void oom_open(struct oom *oom, unsigned version, const char *path) {
	char file[4096];

	if (!version || join_path(file, sizeof file, path, version == 1 ? "memory.oom_control" : "memory.events") < 0) return;
	oom->counts = openat(AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
	if (oom->counts < 0) return;
	if (version == 1) watch_v1(oom, path);
	else watch_v2(oom, file);
}

bool oom_check(struct oom *oom) {
	char text[512], skipped[512], *at;
	uint64_t kills, before = oom->seen;
	ssize_t len;

	if (oom->events >= 0)
		while (read(oom->events, skipped, sizeof skipped) > 0) continue;
	len = oom->counts < 0 ? -1 : pread(oom->counts, text, sizeof text - 1, 0);
	if (len <= 0) return false;
	text[len] = 0;
	at = strstr(text, "\noom_kill ");
	kills = at ? strtoull(at + 10, NULL, 10) : 0;
	if (kills > before) oom->seen = kills;
	return kills > before;
}

void oom_close(struct oom *oom) {
	fd_close(&oom->events);
	fd_close(&oom->counts);
}
