/* Turns a decoded map into a plan: nothing runs before the whole of it has been found good. Called by the executor for
 * `start`, by the monitor for `exec`, and by `--check-plan`. */
#define _GNU_SOURCE
#include "plan.h"

#include <string.h>

#include "sys.h"

#define NAMESPACES \
	(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWUSER | CLONE_NEWCGROUP | CLONE_NEWTIME)

static int check_steps_key(struct arena *arena, const struct node *map, const char *key, enum place place, struct steps *out, struct err *err) {
	const struct node *list;

	if (map_list(map, key, &list, err) < 0) return -1;
	return steps_check(arena, list, place, out, err);
}

static int check_size(const struct node *map, struct io_plan *io, struct err *err) {
	uint64_t rows = 0, cols = 0;

	if (node_get(map, "rows") && map_number(map, "rows", UINT16_MAX, &rows, err) < 0) return -1;
	if (node_get(map, "cols") && map_number(map, "cols", UINT16_MAX, &cols, err) < 0) return -1;
	io->rows = (uint16_t)rows;
	io->cols = (uint16_t)cols;
	return 0;
}

static int check_owner(const struct node *map, struct io_plan *io, struct err *err) {
	const struct node *owner = node_get(map, "owner");

	if (!owner || owner->type == NODE_NIL) return 0;
	if (owner->type != NODE_ARRAY || owner->len != 2 || owner->items[0].type != NODE_UINT || owner->items[1].type != NODE_UINT ||
	    owner->items[0].number >= UINT32_MAX || owner->items[1].number >= UINT32_MAX)
		return err_set(err, EINVAL, "\"owner\" must be two ids");
	io->owned = true;
	io->uid = (uint32_t)owner->items[0].number;
	io->gid = (uint32_t)owner->items[1].number;
	return 0;
}

/* What only an executor that serves one request can hand on: what it was itself given. */
static int check_inherited(const struct node *map, struct io_plan *io, struct err *err) {
	uint64_t fds = 0;

	if (map_flag(map, "inherit", &io->inherit, err) < 0 || map_text_or_null(map, "console", &io->console, err) < 0) return -1;
	if (io->console && io->console[0] != '/') return err_set(err, EINVAL, "\"console\" must be an absolute path");
	if (node_get(map, "fds") && map_number(map, "fds", 1024, &fds, err) < 0) return -1;
	io->fds = (uint32_t)fds;
	return 0;
}

static int check_io(const struct node *map, struct io_plan *io, struct err *err) {
	const struct node *source = node_get(map, "io"), *log;
	uint64_t files;

	if (!source || source->type != NODE_MAP) return err_set(err, EINVAL, "\"io\" must be a map");
	if (map_flag(source, "terminal", &io->terminal, err) < 0 || map_flag(source, "stdin", &io->stdin_open, err) < 0 ||
	    map_flag(source, "stdinOnce", &io->stdin_once, err) < 0 || check_size(source, io, err) < 0 || check_owner(source, io, err) < 0 || check_inherited(source, io, err) < 0)
		return -1;
	log = node_get(source, "log");
	if (!log || log->type == NODE_NIL) return 0;
	if (map_text(log, "path", &io->log, err) < 0 || map_number(log, "maxBytes", INT64_MAX, &io->log_max_bytes, err) < 0 ||
	    map_number(log, "maxFiles", 1000, &files, err) < 0)
		return -1;
	if (io->log[0] != '/') return err_set(err, EINVAL, "the log's path must be absolute");
	if (files == 0) return err_set(err, EINVAL, "\"maxFiles\" must be at least 1");
	io->log_max_files = (uint32_t)files;
	return 0;
}

static int check_userns(const struct node *map, struct plan *plan, struct err *err) {
	const struct node *maps = node_get(map, "userns");

	if (!maps || maps->type == NODE_NIL) {
		if (plan->clone & CLONE_NEWUSER) return err_set(err, EINVAL, "a new user namespace wants \"userns\"");
		/* Links are moved with ids or without. */
		for (uint32_t i = 0; i < plan->mapped.count; i++)
			if (strcmp(plan->mapped.list[i].op->name, "netdev") != 0) return err_set(err, EINVAL, "\"mapped\" steps want \"userns\"");
		return 0;
	}
	if (!is_texts(maps) || maps->len != 2) return err_set(err, EINVAL, "\"userns\" must be two texts");
	if (!(plan->clone & CLONE_NEWUSER)) return err_set(err, EINVAL, "\"userns\" wants CLONE_NEWUSER in \"clone\"");
	plan->uid_map = maps->items[0].str;
	plan->gid_map = maps->items[1].str;
	return 0;
}

static int check_oom(const struct node *map, struct plan *plan, struct err *err) {
	const struct node *oom = node_get(map, "oom");

	if (!oom || oom->type == NODE_NIL) return 0;
	if (oom->type != NODE_ARRAY || oom->len != 2 || oom->items[0].type != NODE_UINT || oom->items[0].number < 1 ||
	    oom->items[0].number > 2 || !is_path(&oom->items[1]))
		return err_set(err, EINVAL, "\"oom\" must be the version, 1 or 2, and a path");
	plan->oom_version = (unsigned)oom->items[0].number;
	plan->oom_path = oom->items[1].str;
	return 0;
}

static int check_record(const struct node *map, struct plan *plan, struct err *err) {
	const struct node *record = node_get(map, "record");

	if (!record || record->type == NODE_NIL) return 0;
	if (record->type != NODE_BIN) return err_set(err, EINVAL, "\"record\" must be bytes");
	plan->record = record;
	return 0;
}

/* No offsets at all is a time namespace as well. */
static int check_timens(const struct node *map, struct plan *plan, struct err *err) {
	const struct node *timens = node_get(map, "timens");

	if (!timens || timens->type == NODE_NIL) return 0;
	if (!is_text(timens)) return err_set(err, EINVAL, "\"timens\" must be text");
	plan->timens = timens->str;
	return 0;
}

/* `prepare` fills the slot. */
static int check_pidns(const struct node *map, struct plan *plan, struct err *err) {
	const struct node *pidns = node_get(map, "pidns");
	uint64_t slot;

	plan->pidns = -1;
	if (!pidns || pidns->type == NODE_NIL) return 0;
	if (map_number(map, "pidns", SLOTS - 1, &slot, err) < 0) return -1;
	if (plan->clone & CLONE_NEWPID) return err_set(err, EINVAL, "a new pid namespace cannot go with \"pidns\"");
	plan->pidns = (int)slot;
	return 0;
}

/* Without a mount namespace of its own its mounts are its caller's to take away: that has to be said. */
static int check_mounts(const struct node *map, struct plan *plan, struct err *err) {
	bool shared, entered = false;

	if (map_flag(map, "sharedMounts", &shared, err) < 0) return -1;
	for (uint32_t i = 0; i < plan->enter->len; i++) entered |= plan->enter->items[i].items[1].number == CLONE_NEWNS;
	if (!(plan->clone & CLONE_NEWNS) == (shared != entered)) return 0;
	return err_set(err, EINVAL, "\"clone\" must hold CLONE_NEWNS, unless \"enter\" does or \"sharedMounts\" is set");
}

static bool is_entry(const struct node *entry) {
	return entry->type == NODE_ARRAY && entry->len == 2 && entry->items[0].type == NODE_UINT && entry->items[0].number < SLOTS &&
	       entry->items[1].type == NODE_UINT && (entry->items[1].number & ~(uint64_t)NAMESPACES) == 0;
}

/* What is entered is not made as well. */
static int check_enter(const struct node *map, struct plan *plan, struct err *err) {
	uint64_t entered = 0;

	if (map_list(map, "enter", &plan->enter, err) < 0) return -1;
	for (uint32_t i = 0; i < plan->enter->len; i++) {
		if (!is_entry(&plan->enter->items[i])) return err_set(err, EINVAL, "\"enter\" must be pairs of a slot and a CLONE_NEW* flag");
		entered |= plan->enter->items[i].items[1].number;
	}
	if (entered & plan->clone) return err_set(err, EINVAL, "\"enter\" and \"clone\" must not name the same namespace");
	plan->enters_userns = entered & CLONE_NEWUSER;
	return 0;
}

static int check_clone(const struct node *map, struct plan *plan, struct err *err) {
	uint64_t clone;

	if (map_number(map, "clone", UINT32_MAX, &clone, err) < 0) return -1;
	if (clone & ~(uint64_t)(NAMESPACES & ~CLONE_NEWCGROUP)) return err_set(err, EINVAL, "\"clone\" may hold CLONE_NEW* flags only, and not CLONE_NEWCGROUP");
	plan->clone = (uint32_t)clone;
	if (check_enter(map, plan, err) < 0 || check_mounts(map, plan, err) < 0) return -1;
	if (check_timens(map, plan, err) < 0 || check_pidns(map, plan, err) < 0) return -1;
	if (!plan->timens != !(clone & CLONE_NEWTIME)) return err_set(err, EINVAL, "\"timens\" and CLONE_NEWTIME go together");
	return map_text_or_null(map, "cgroup", &plan->cgroup, err);
}

int plan_check(struct arena *arena, const struct node *map, struct plan *plan, struct err *err) {
	*plan = (struct plan){ 0 };
	err->step = "plan";
	if (map->type != NODE_MAP) return err_set(err, EINVAL, "a plan must be a map");
	if (map_text(map, "id", &plan->id, err) < 0 || map_text(map, "dir", &plan->dir, err) < 0 || check_clone(map, plan, err) < 0) return -1;
	if (strlen(plan->id) > 128) return err_set(err, EINVAL, "\"id\" is longer than 128 bytes");
	if (plan->dir[0] != '/' || strlen(plan->dir) > MAX_DIR) return err_set(err, EINVAL, "\"dir\" must be absolute and at most %d bytes long", MAX_DIR);
	if (check_steps_key(arena, map, "prepare", IN_PREPARE, &plan->prepare, err) < 0 ||
	    check_steps_key(arena, map, "mapped", IN_MAPPED, &plan->mapped, err) < 0 ||
	    check_steps_key(arena, map, "setup", IN_SETUP, &plan->setup, err) < 0 ||
	    check_steps_key(arena, map, "teardown", IN_TEARDOWN, &plan->teardown, err) < 0)
		return -1;
	plan->teardown_source = node_get(map, "teardown");
	if (check_record(map, plan, err) < 0 || check_userns(map, plan, err) < 0 || check_oom(map, plan, err) < 0 || check_io(map, &plan->io, err) < 0) return -1;
	if (map_texts(map, "cgroups", &plan->cgroups, err) < 0 || map_flag(map, "detach", &plan->detach, err) < 0) return -1;
	return command_lay_out(arena, &plan->setup, &plan->command, err);
}

/* The container an exec without a monitor enters. */
static int check_first(const struct node *map, struct exec_plan *plan, struct err *err) {
	uint64_t pid;

	if (!node_get(map, "pid")) return 0;
	if (map_number(map, "pid", INT32_MAX, &pid, err) < 0 || map_number(map, "startTime", INT64_MAX, &plan->start_time, err) < 0) return -1;
	plan->pid = (int)pid;
	if (map_flag(map, "chroot", &plan->chroot, err) < 0) return -1;
	return check_inherited(map, &plan->io, err);
}

static int check_affinity(const struct node *map, struct exec_plan *plan, struct err *err) {
	const struct node *affinity = node_get(map, "affinity");

	if (!affinity || affinity->type == NODE_NIL) return 0;
	if (affinity->type != NODE_BIN || affinity->len == 0 || affinity->len % 8 || affinity->len > 1024) return err_set(err, EINVAL, "\"affinity\" must be words of 64 bits");
	plan->affinity = affinity;
	return 0;
}

int exec_plan_check(struct arena *arena, const struct node *map, struct exec_plan *plan, struct err *err) {
	uint64_t namespaces;

	*plan = (struct exec_plan){ .root = -1 };
	err->step = "plan";
	if (map->type != NODE_MAP) return err_set(err, EINVAL, "a plan must be a map");
	if (map_text(map, "exec", &plan->exec, err) < 0 || map_text_or_null(map, "cgroup", &plan->cgroup, err) < 0 ||
	    map_texts(map, "tasks", &plan->tasks, err) < 0 || map_number(map, "namespaces", UINT32_MAX, &namespaces, err) < 0 ||
	    map_flag(map, "terminal", &plan->io.terminal, err) < 0 || map_flag(map, "stdin", &plan->io.stdin_open, err) < 0 ||
	    map_flag(map, "detach", &plan->detach, err) < 0 || check_affinity(map, plan, err) < 0 || check_size(map, &plan->io, err) < 0 || check_owner(map, &plan->io, err) < 0 ||
	    map_text_or_null(map, "listener", &plan->listener, err) < 0 || check_first(map, plan, err) < 0)
		return -1;
	if (strlen(plan->exec) > 128) return err_set(err, EINVAL, "\"exec\" is longer than 128 bytes");
	if (namespaces & ~(uint64_t)NAMESPACES) return err_set(err, EINVAL, "\"namespaces\" may hold CLONE_NEW* flags only");
	plan->namespaces = (uint32_t)namespaces;
	if (check_steps_key(arena, map, "steps", IN_EXEC, &plan->steps, err) < 0) return -1;
	return command_lay_out(arena, &plan->steps, &plan->command, err);
}

/* `before` and `after` are free places around the texts; the result points at the first text. */
static char **lay_out_texts(struct arena *arena, const struct node *texts, uint32_t before, uint32_t after) {
	char **list = arena_take(arena, ((size_t)before + texts->len + after + 1) * sizeof *list);

	if (!list) return NULL;
	list += before;
	for (uint32_t i = 0; i < texts->len; i++) list[i] = (char *)(uintptr_t)texts->items[i].str;
	for (uint32_t i = 0; i <= after; i++) list[texts->len + i] = NULL;
	return list;
}

int command_lay_out(struct arena *arena, const struct steps *steps, struct command *command, struct err *err) {
	const struct step *last = steps->count ? &steps->list[steps->count - 1] : NULL;

	for (uint32_t i = 0; i + 1 < steps->count; i++) {
		if (strcmp(steps->list[i].op->name, "exec") != 0) continue;
		err->index = (int)i;
		return err_set(err, EINVAL, "exec must be the last step");
	}
	if (!last || strcmp(last->op->name, "exec") != 0) return err_set(err, EINVAL, "the last step must be exec");
	if (last->args[0].len == 0 || last->args[0].items[0].len == 0) {
		err->index = (int)steps->count - 1;
		err->step = "exec";
		return err_set(err, EINVAL, "there is no command");
	}
	/* In front of argv: the name of the small init and the path it shall execute. */
	command->argv = lay_out_texts(arena, &last->args[0], 2, 0);
	command->env = lay_out_texts(arena, &last->args[1], 0, 1);
	if (!command->argv || !command->env) return err_set(err, EMSGSIZE, "too many arguments");
	command->argv[-2] = (char *)(uintptr_t)"core-init";
	command->env_count = last->args[1].len;
	command->init = last->argc > 2 && last->args[2].yes;
	return 0;
}
