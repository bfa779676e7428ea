/* A network made by a program: the `network` step brings its command line, a network namespace in a slot and the program beside it go out. Called through the table in
 * ops.c, by a monitor.
 *
 * A keeper is pid 1 of a pid namespace in which the program runs, though with the machine's files and network. It ends with the monitor, however
 * that ends, and with it the kernel ends whatever the program has become. */
#define _GNU_SOURCE
#include "network.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "clone.h"
#include "fds.h"
#include "step.h"
#include "sys.h"
#include "util.h"

enum { MAX_WORDS = 64, READY_MS = 10000, READY_FD = 3, LOW_FD = 3, HIGH_FD = 16 };

/* The descriptors the keeper goes on with; all others of the monitor's it closes. */
enum keeps { LIFE, HEARD, TOLD, SAID, NETNS, MACHINE, KEEPS };

struct helper {
	const struct node *argv;
	const char *name; /* under which it finds the namespace */
	bool says; /* it is ready when it writes to descriptor 3, and not when its first process ends well */
	int fds[KEEPS];
};

static const char *const no_environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };

static int keep_only(struct helper *helper) {
	for (int i = 0; i < KEEPS; i++) {
		if (helper->fds[i] < 0) continue;
		helper->fds[i] = fcntl(helper->fds[i], F_DUPFD_CLOEXEC, HIGH_FD);
		if (helper->fds[i] < 0) return -1;
	}
	if (fds_range(LOW_FD, HIGH_FD - 1, 0) < 0) return -1;
	for (int i = 0; i < KEEPS; i++) {
		if (helper->fds[i] < 0) continue;
		if (dup3(helper->fds[i], LOW_FD + i, O_CLOEXEC) < 0) return -1;
		helper->fds[i] = LOW_FD + i;
	}
	return fds_range(LOW_FD + KEEPS, ~0u, 0);
}

/* The namespace gets a name in the container's run folder that the program alone sees: whatever it closes or gives up first, it can open that. */
static int name_namespace(const struct helper *helper) {
	char link[48];
	struct text text = TEXT(link);
	autofd file = -1;

	text_add(&text, "/proc/self/fd/");
	text_add_number(&text, helper->fds[NETNS]);
	if (helper->fds[MACHINE] >= 0 && setns(helper->fds[MACHINE], CLONE_NEWNS) < 0) return -1;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) return -1;
	file = openat(AT_FDCWD, helper->name, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return file < 0 ? -1 : mount(link, helper->name, NULL, MS_BIND, NULL);
}

static void become_program(const struct helper *helper, int ready) {
	char *argv[MAX_WORDS + 1];
	int null = openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	for (uint32_t i = 0; i < helper->argv->len; i++) {
		const char *word = helper->argv->items[i].str;

		argv[i] = (char *)(uintptr_t)(strcmp(word, "@netns") == 0 ? helper->name : word);
	}
	argv[helper->argv->len] = NULL;
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	if (null < 0 || dup2(null, 0) < 0 || dup2(helper->fds[SAID], 1) < 0 || dup2(helper->fds[SAID], 2) < 0) _exit(125);
	if (name_namespace(helper) < 0 || chdir("/") < 0) {
		dprintf(2, "cannot name the network namespace: %s", strerror(errno));
		_exit(125);
	}
	/* Without CLOEXEC, in place of one that is not needed any more. */
	if (ready >= 0 && dup2(ready, READY_FD) < 0) _exit(125);
	execve(argv[0], argv, (char *const *)(uintptr_t)no_environment);
	dprintf(2, "%s", strerror(errno));
	_exit(127);
}

static bool has_ended_well(pid_t pid) {
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR) return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool start_program(const struct helper *helper) {
	autofd heard = -1, ready = -1;
	int ends[2];
	char byte;
	pid_t pid;

	if (helper->says) {
		if (pipe2(ends, O_CLOEXEC) < 0) return false;
		heard = ends[0];
		ready = ends[1];
	}
	pid = fork();
	if (pid == 0) become_program(helper, ready);
	fd_close(&ready);
	if (pid < 0) return false;
	return helper->says ? read(heard, &byte, 1) == 1 : has_ended_well(pid);
}

/* Until the monitor's end of the pipe closes. What the program says by then interests nobody, but somebody has to take it. */
static void stay(const struct helper *helper) {
	struct pollfd watched[] = { { .fd = helper->fds[LIFE], .events = POLLIN }, { .fd = helper->fds[HEARD], .events = POLLIN } };
	char words[512];

	while (!watched[0].revents) {
		if (poll(watched, 2, -1) < 0) continue;
		if (watched[1].revents && read(helper->fds[HEARD], words, sizeof words) <= 0) watched[1].fd = -1;
	}
}

static int keep(void *arg) {
	struct helper *helper = arg;
	bool started;

	(void)prctl(PR_SET_NAME, "core-network", 0, 0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (setsid() < 0 || keep_only(helper) < 0) return 1;
	started = start_program(helper);
	(void)unlink(helper->name);
	if (!started || write(helper->fds[TOLD], "r", 1) != 1) return 1;
	for (int i = TOLD; i < KEEPS; i++) fd_close(&helper->fds[i]);
	/* Nobody asks how the program ends: a network that is gone is seen by whoever uses it. */
	(void)signal(SIGCHLD, SIG_IGN);
	stay(helper);
	return 0;
}

static int wait_until_ready(const struct helper *helper, int told, int said, struct err *err) {
	struct pollfd answer = { .fd = told, .events = POLLIN };
	char words[160] = "", byte;
	ssize_t got;

	if (poll(&answer, 1, READY_MS) > 0 && read(told, &byte, 1) == 1) return 0;
	if (!(answer.revents & (POLLIN | POLLHUP))) return err_set(err, ETIMEDOUT, "%.80s is not ready after %d s", helper->argv->items[0].str, READY_MS / 1000);
	got = read(said, words, sizeof words - 1);
	words[got > 0 ? got : 0] = 0;
	for (char *at = words; *at; at++)
		if (*at == '\n') *at = ' ';
	return err_set(err, EIO, "%.80s: %s", helper->argv->items[0].str, words);
}

/* In a child with the monitor's own descriptors. An ordinary user's monitor, once out of the machine's network, could not come back. */
static int make_namespace(void *arg) {
	const int *answer = arg;
	int fd = -1;

	if (unshare(CLONE_NEWNET) == 0 && loopback_up(&(struct err)ERR_INIT) == 0) fd = openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0) fd = -errno;
	return write(*answer, &fd, sizeof fd) == sizeof fd ? 0 : 1;
}

static int new_namespace(struct err *err) {
	autofd heard = -1, answer = -1;
	struct clone_request request = { .flags = CLONE_FILES, .plain = true, .run = make_namespace, .arg = &answer };
	int ends[2], fd = -1, pid;

	if (pipe2(ends, O_CLOEXEC) < 0) return err_sys(err, "cannot make a pipe");
	heard = ends[0];
	answer = ends[1];
	pid = clone_child(&request, err);
	if (pid < 0) return -1;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
	fd_close(&answer);
	errno = read(heard, &fd, sizeof fd) != sizeof fd ? EIO : fd < 0 ? -fd : 0;
	return errno ? err_sys(err, "cannot make a network namespace") : fd;
}

int step_network(struct ctx *ctx, const struct node *args, struct err *err) {
	autofd life = -1, life_end = -1, told = -1, told_end = -1, said = -1, said_end = -1, net = -1;
	struct helper helper = { .argv = &args[1], .says = args[2].yes };
	struct clone_request request = { .flags = CLONE_NEWPID, .plain = true, .run = keep, .arg = &helper };
	char name[PATH_MAX];
	int ends[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };

	if (!ctx->network || ctx->network->pid) return err_set(err, EINVAL, "a network belongs to a monitor, and each has one");
	if (helper.argv->len == 0 || helper.argv->len > MAX_WORDS) return err_set(err, EINVAL, "a network takes a program and at most %d words", MAX_WORDS);
	if (join_path(name, sizeof name, ctx->dir, "netns") < 0) return err_set(err, ENAMETOOLONG, "the run folder's path is too long");
	helper.name = name;
	for (int i = 0; i < 3; i++)
		if (pipe2(ends[i], O_CLOEXEC) < 0) ends[i][0] = ends[i][1] = -1;
	life_end = ends[0][0], life = ends[0][1];
	told = ends[1][0], told_end = ends[1][1];
	said = ends[2][0], said_end = ends[2][1];
	net = new_namespace(err);
	if (net < 0) return -1;
	if (life < 0 || told < 0 || said < 0) return err_sys(err, "cannot make the pipes of a network");
	memcpy(helper.fds, (int[]){ life_end, said, told_end, said_end, net, ctx->machine_ns }, sizeof helper.fds);
	ctx->network->pid = clone_child(&request, err);
	if (ctx->network->pid < 0) {
		ctx->network->pid = 0;
		return -1;
	}
	ctx->network->life = fd_take(&life);
	fd_close(&told_end);
	fd_close(&said_end);
	if (wait_until_ready(&helper, told, said, err) < 0) return -1;
	return slot_fill(ctx, args[0].number, fd_take(&net), err);
}

void network_end(struct network *network) {
	fd_close(&network->life);
	if (!network->pid) return;
	(void)kill(network->pid, SIGKILL);
	while (waitpid(network->pid, NULL, 0) < 0 && errno == EINTR) continue;
	network->pid = 0;
}
