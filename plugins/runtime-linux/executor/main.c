/* The executor's entry: arguments come in, a server runs until its end. `core-executor [--rootless] --run DIR [--keep PATH]... [--lease [--tree PATH] [--group PATH]...]`
 * is started by the runtime's driver; `--once FD` carries out one request and is started by `core-oci`; `--check-plan` reads a plan from stdin and says `ok` or why not;
 * `--probe` says what the kernel lets it call, `--version` what was built. See PROTOCOL.md. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fds.h"
#include "init.h"
#include "needs.h"
#include "once.h"
#include "plan.h"
#include "rmtree.h"
#include "seal.h"
#include "server.h"
#include "slim.h"
#include "sys.h"
#include "userns.h"
#include "util.h"

enum { KEEPS = 64, GROUPS = 64 };

/* Exit statuses that say what the machine lacks, of PROTOCOL.md. */
enum { NO_CALL = 3, NO_USERNS = 4 };

struct options {
	const char *run;
	const char *keep[KEEPS + 1];
	const char *tree;
	const char *groups[GROUPS];
	size_t group_count;
	bool lease;
	bool rootless; /* started by an ordinary user */
	bool mapped;   /* and by now root of a user namespace */
};

static int serve(const struct options *options, struct err *err);
static int check_plan(void);
static int print_version(void);
static int status_of(const struct err *err);
static int read_number(const char *text);
static int read_options(int argc, char **argv, struct options *options);

int main(int argc, char **argv) {
	struct options options = { 0 };
	struct err err = ERR_INIT;
	int channel;

	if (argc > 2 && strcmp(argv[0], "core-init") == 0) return init_main(argv);
	if (argc == 2 && strcmp(argv[1], "--check-plan") == 0) return check_plan();
	if (argc == 2 && strcmp(argv[1], "--probe") == 0) return needs_print();
	if (argc == 2 && strcmp(argv[1], "--version") == 0) return print_version();
	if (argc == 3 && strcmp(argv[1], "--once") == 0 && (channel = read_number(argv[2])) > 2) {
		if (seal_self(argv, &err) == 0) return once_main(channel);
	} else if (read_options(argc, argv, &options) < 0) {
		dprintf(2, "usage: core-executor [--rootless] --run DIR [--keep PATH]... [--lease [--tree PATH] [--group PATH]...] | --once FD | --check-plan | --probe | --version\n");
		return 2;
	} else if (options.rootless) (void)userns_enter(argv, &err);
	else if (seal_self(argv, &err) == 0 && serve(&options, &err) == 0) return 0;
	dprintf(2, "core-executor: %s: %s\n", err.text, strerror(err.num));
	return status_of(&err);
}

static int status_of(const struct err *err) {
	if (strcmp(err->step, "kernel") == 0) return NO_CALL;
	return strcmp(err->step, "newuser") == 0 ? NO_USERNS : 1;
}

static int read_options(int argc, char **argv, struct options *options) {
	size_t keeps = 0;

	for (int i = 1; i < argc; i++) {
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(argv[i], "--lease") == 0) {
			options->lease = true;
			continue;
		}
		if (strcmp(argv[i], ROOTLESS) == 0 || strcmp(argv[i], MAPPED) == 0) {
			*(argv[i][2] == 'r' ? &options->rootless : &options->mapped) = true;
			continue;
		}
		if (!next || next[0] != '/') return -1;
		if (strcmp(argv[i], "--run") == 0) options->run = next;
		else if (strcmp(argv[i], "--keep") == 0 && keeps < KEEPS - 1) options->keep[keeps++] = next;
		else if (strcmp(argv[i], "--tree") == 0) options->tree = next;
		else if (strcmp(argv[i], "--group") == 0 && options->group_count < GROUPS) options->groups[options->group_count++] = next;
		else return -1;
		i++;
	}
	if (!options->run || ((options->tree || options->group_count) && !options->lease)) return -1;
	options->keep[keeps] = options->run;
	return 0;
}

/* A small one; -1 for anything else. */
static int read_number(const char *text) {
	char *end;
	long number = strtol(text, &end, 10);

	return *text && !*end && number >= 0 && number < 65536 ? (int)number : -1;
}

/* Nothing of the caller's is inherited: dispositions, mask, descriptors, session. */
static int forget_caller(struct err *err) {
	sigset_t none;
	int null;

	for (int number = 1; number < 65; number++) (void)signal(number, SIG_DFL);
	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setsid();
	/* Modes are meant as they are written; a command without a umask of its own gets 022. */
	(void)umask(0);
	if (fds_forget(3, err) < 0) return -1;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0) return err_sys(err, "cannot open /dev/null");
	close(null);
	/* Before any container is joined: nobody inside may trace or read a process of ours. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return err_sys(err, "cannot close the process to others");
	return chdir("/") < 0 ? err_sys(err, "cannot enter /") : 0;
}

/* Takes a number, so that no other descriptor ever gets it. */
static int reserve(int from, int number, struct err *err) {
	if (from == number) return 0;
	return dup3(from, number, O_CLOEXEC) < 0 ? err_sys(err, "cannot place a descriptor") : 0;
}

static int serve(const struct options *options, struct err *err) {
	autofd machine = -1;

	if (needs_check(err) < 0 || forget_caller(err) < 0) return -1;
	machine = slim_enter(options->keep, options->mapped, err);
	if (machine < 0) return -1;
	if (reserve(machine, FD_MACHINE, err) < 0 || reserve(0, FD_INIT, err) < 0 || reserve(0, FD_REPORT, err) < 0 || reserve(0, FD_NETNS, err) < 0)
		return -1;
	if (machine == FD_MACHINE) machine = -1;
	if (server_run(options->run, options->lease, err) < 0) return -1;
	/* Whose kernel was killed has nobody else to take these away; groups that others still use refuse. */
	if (options->tree && rmtree(options->tree, err) < 0) return -1;
	for (size_t i = 0; i < options->group_count; i++) (void)rmdir(options->groups[i]);
	return 0;
}

static int check_plan(void) {
	struct err err = ERR_INIT;
	struct buf input = { 0 };
	struct arena arena = { 0 };
	struct node node;
	struct plan plan;
	ssize_t got;
	uint8_t *room;
	int ret;

	while ((room = buf_room(&input, 65536)) && (got = read(0, room, 65536)) > 0 && input.len <= MAX_REQUEST) buf_grow(&input, (size_t)got);
	err.step = "plan";
	if (input.len > MAX_REQUEST) ret = err_set(&err, EMSGSIZE, "the plan is longer than %d bytes", MAX_REQUEST);
	else ret = arena_open(&arena, arena_size_for(input.len), &err);
	if (ret == 0) ret = msgpack_decode(&arena, input.data, input.len, &node, &err);
	if (ret == 0) ret = plan_check(&arena, &node, &plan, &err);
	arena_free(&arena);
	buf_free(&input);
	if (ret == 0) dprintf(1, "ok\n");
	else dprintf(1, "%s %d %d %s\n", err.step, err.index, err.num, err.text);
	return ret < 0;
}

static int print_version(void) {
#ifdef __GLIBC__
	const char *libc = "glibc";
#else
	const char *libc = "musl";
#endif
	return dprintf(1, "protocol %d, static %s\n", PROTOCOL_VERSION, libc) < 0;
}
