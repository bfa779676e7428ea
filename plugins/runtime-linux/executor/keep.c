/* Remembers a container beyond its plan, and frees what it had. Called by the executor before the fork and by the monitor. */
#define _GNU_SOURCE
#include "keep.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "step.h"
#include "sys.h"
#include "util.h"

enum { KILL_MS = 5000 };

static const struct node no_items = { .type = NODE_ARRAY };

static int keep_nodes(struct keep *keep, const struct node *cgroups, const struct node *teardown, struct err *err) {
	struct node id = { .type = NODE_STR, .len = (uint32_t)strlen(keep->id), .str = keep->id };
	struct node dir = { .type = NODE_STR, .len = (uint32_t)strlen(keep->dir), .str = keep->dir };
	size_t size = node_size(&id) + node_size(&dir) + node_size(cgroups) + node_size(teardown) + (teardown->len + 1) * sizeof(struct step);
	struct node *copies[4];

	if (arena_open(&keep->arena, (size + 4095) & ~(size_t)4095, err) < 0) return -1;
	copies[0] = node_copy(&keep->arena, &id);
	copies[1] = node_copy(&keep->arena, &dir);
	copies[2] = node_copy(&keep->arena, cgroups);
	copies[3] = node_copy(&keep->arena, teardown);
	if (!copies[0] || !copies[1] || !copies[2] || !copies[3]) return err_set(err, ENOMEM, "no memory for the container");
	keep->id = copies[0]->str;
	keep->dir = copies[1]->str;
	keep->cgroups = copies[2];
	return steps_check(&keep->arena, copies[3], IN_TEARDOWN, &keep->teardown, err);
}

int keep_plan(struct keep *keep, const struct plan *plan, struct err *err) {
	*keep = (struct keep){ .id = plan->id, .dir = plan->dir };
	return keep_nodes(keep, plan->cgroups, plan->teardown_source ? plan->teardown_source : &no_items, err);
}

int keep_request(struct keep *keep, const struct node *map, struct err *err) {
	const struct node *cgroups, *teardown;

	*keep = (struct keep){ 0 };
	err->step = "reap";
	if (map->type != NODE_MAP) return err_set(err, EINVAL, "reap wants a map");
	if (map_text(map, "id", &keep->id, err) < 0 || map_text(map, "dir", &keep->dir, err) < 0 || map_texts(map, "cgroups", &cgroups, err) < 0 ||
	    map_list(map, "teardown", &teardown, err) < 0)
		return -1;
	if (keep->dir[0] != '/' || strlen(keep->dir) > MAX_DIR) return err_set(err, EINVAL, "\"dir\" must be absolute and at most %d bytes long", MAX_DIR);
	return keep_nodes(keep, cgroups, teardown, err);
}

void keep_free(struct keep *keep) {
	arena_free(&keep->arena);
	*keep = (struct keep){ 0 };
}

/* v1, and v2 before 5.14: every pid by itself. True when some were there. */
static bool kill_each(int folder) {
	autofd fd = openat(folder, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	char bytes[4096];
	bool any = false;
	ssize_t got;
	long pid = 0;

	while (fd >= 0 && (got = read(fd, bytes, sizeof bytes)) > 0) {
		for (ssize_t i = 0; i < got; i++) {
			if (bytes[i] >= '0' && bytes[i] <= '9') pid = pid * 10 + bytes[i] - '0';
			else if (pid > 0) {
				any = true;
				(void)kill((pid_t)pid, SIGKILL);
				pid = 0;
			}
		}
	}
	return any;
}

/* Groups inside the container's own count too. */
static bool kill_below(int folder, int depth) {
	bool any = kill_each(folder);
	int copy = depth < 16 ? openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	while (list && (entry = readdir(list))) {
		autofd child = -1;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
		child = openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (child >= 0 && kill_below(child, depth + 1)) any = true;
	}
	if (list) closedir(list);
	return any;
}

static bool kill_group(const char *path) {
	autofd folder = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), all = -1;

	if (folder < 0) return false;
	all = openat(folder, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	if (all >= 0 && write(all, "1", 1) == 1) {
		char events[256];

		return read_file_at(folder, "cgroup.events", events, sizeof events) > 0 && strstr(events, "populated 1");
	}
	return kill_below(folder, 0);
}

void keep_kill(const struct keep *keep) {
	struct timespec pause = { 0, 200000 };
	int64_t deadline = 0;

	for (;;) {
		bool any = false;

		for (uint32_t i = 0; i < keep->cgroups->len; i++)
			if (kill_group(keep->cgroups->items[i].str)) any = true;
		if (!any) return;
		if (!deadline) deadline = monotonic_ms() + KILL_MS;
		if (monotonic_ms() > deadline) return;
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 20000000) pause.tv_nsec *= 2;
	}
}

void keep_tear_down(const struct keep *keep) {
	struct ctx ctx = { .root = -1, .machine_ns = -1, .own_ns = -1, .userns = -1 };

	steps_try_all(&ctx, &keep->teardown);
}

void keep_remove_dir(const struct keep *keep) {
	static const char *const names[] = { "ctl", "record", "state", "exit", "netns" };
	autofd folder = openat(AT_FDCWD, keep->dir, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (folder < 0) return;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) (void)unlinkat(folder, names[i], 0);
	(void)rmdir(keep->dir);
}
