/* The `hook` step: a program, its environment and the container's state come in, its end is waited for. Called through the
 * table in ops.c, in plain forks only; before `pivot` the program is the machine's, after it the container's. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "fds.h"
#include "step.h"
#include "sys.h"
#include "util.h"

enum { MAX_WORDS = 1024, MAX_STATE = 1024 * 1024, PIPE_SIZE = 65536, TURN_MS = 20, READS = 64 };

struct hook {
	const char *path;
	const struct node *argv, *env;
	int state, out; /* the child's ends */
	pid_t pid;
	int status;
	char said[100]; /* what it wrote first, for the words of a failure */
	size_t said_len;
};

/* The whole state is put into the pipe before anybody reads it, so that a hook that does not care cannot hold us up. */
static int open_state(const char *head, const char *tail, int *out, struct err *err) {
	autofd read_end = -1, write_end = -1;
	char number[24];
	struct text pid = TEXT(number);
	int ends[2];
	size_t size;

	text_add_number(&pid, getpid());
	size = strlen(head) + pid.len + strlen(tail);
	if (size > MAX_STATE) return err_set(err, E2BIG, "the state of the container is too long for a hook");
	if (pipe2(ends, O_CLOEXEC) < 0) return err_sys(err, "cannot make a pipe");
	read_end = ends[0];
	write_end = ends[1];
	if (size > PIPE_SIZE && fcntl(write_end, F_SETPIPE_SZ, MAX_STATE) < 0) return err_sys(err, "cannot make room for the state");
	if (write_all(write_end, head, strlen(head)) < 0 || write_all(write_end, number, pid.len) < 0 || write_all(write_end, tail, strlen(tail)) < 0)
		return err_sys(err, "cannot hand over the state");
	*out = fd_take(&read_end);
	return 0;
}

static void lay_out(const struct node *words, char **list) {
	uint32_t count = words->len < MAX_WORDS ? words->len : MAX_WORDS;

	for (uint32_t i = 0; i < count; i++) list[i] = (char *)(uintptr_t)words->items[i].str;
	list[count] = NULL;
}

/* In the hook's own process. Nothing of ours goes with it but the three descriptors. */
static void become_hook(const struct hook *hook) {
	char *argv[MAX_WORDS + 1], *env[MAX_WORDS + 1];
	sigset_t none;

	(void)setpgid(0, 0);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	lay_out(hook->argv, argv);
	lay_out(hook->env, env);
	if (dup2(hook->state, 0) < 0 || dup2(hook->out, 1) < 0 || dup2(hook->out, 2) < 0) _exit(126);
	(void)fds_range(3, ~0u, 0);
	execve(hook->path, argv, env);
	dprintf(2, "%s", strerror(errno));
	_exit(127);
}

static void listen_to(struct hook *hook, int from) {
	char bytes[512];
	ssize_t got = read(from, bytes, sizeof bytes);
	size_t room = sizeof hook->said - 1 - hook->said_len;

	if (got <= 0) return;
	if ((size_t)got < room) room = (size_t)got;
	memcpy(hook->said + hook->said_len, bytes, room);
	hook->said_len += room;
	hook->said[hook->said_len] = 0;
}

static int give_up(struct hook *hook, uint64_t seconds, struct err *err) {
	(void)kill(-hook->pid, SIGKILL);
	while (waitpid(hook->pid, &hook->status, 0) < 0 && errno == EINTR) continue;
	return err_set(err, ETIMEDOUT, "hook ran past specified timeout of %llus", (unsigned long long)seconds);
}

/* Until the program ends, whatever it may have left behind that still holds the pipe. */
static int wait_for(struct hook *hook, int from, uint64_t seconds, struct err *err) {
	int64_t deadline = monotonic_ms() + (int64_t)seconds * 1000;
	struct pollfd heard = { .fd = from, .events = POLLIN };

	for (;;) {
		pid_t ended = waitpid(hook->pid, &hook->status, WNOHANG);

		if (ended < 0 && errno != EINTR) return err_sys(err, "cannot wait for the hook");
		for (int i = 0; i < READS && poll(&heard, 1, 0) > 0 && heard.revents & POLLIN; i++) listen_to(hook, from);
		if (ended > 0) return 0;
		if (seconds && monotonic_ms() >= deadline) return give_up(hook, seconds, err);
		/* A pipe that has closed is no news any more; the end is near then. */
		if (poll(&heard, 1, heard.fd < 0 ? 1 : TURN_MS) > 0 && !(heard.revents & POLLIN)) heard.fd = -1;
	}
}

static int judge(const struct hook *hook, struct err *err) {
	if (WIFEXITED(hook->status) && WEXITSTATUS(hook->status) == 0) return 0;
	if (WIFSIGNALED(hook->status)) return err_set(err, EIO, "hook %s: signal: %d", hook->path, WTERMSIG(hook->status));
	return err_set(err, EIO, "hook %.60s: exit status %d, output: %s", hook->path, WEXITSTATUS(hook->status), hook->said);
}

int step_hook(struct ctx *ctx, const struct node *args, struct err *err) {
	struct hook hook = { .path = args[0].str, .argv = &args[1], .env = &args[2], .state = -1 };
	autofd state = -1, out = -1, heard = -1;
	int ends[2];

	(void)ctx;
	if (hook.argv->len > MAX_WORDS || hook.env->len > MAX_WORDS) return err_set(err, E2BIG, "a hook takes at most %d words", MAX_WORDS);
	if (open_state(args[4].str, args[5].str, &hook.state, err) < 0) return -1;
	state = hook.state;
	if (pipe2(ends, O_CLOEXEC) < 0) return err_sys(err, "cannot make a pipe");
	heard = ends[0];
	out = hook.out = ends[1];
	hook.pid = fork();
	if (hook.pid == 0) become_hook(&hook);
	if (hook.pid < 0) return err_sys(err, "cannot make the hook's process");
	fd_close(&out);
	fd_close(&state);
	if (wait_for(&hook, heard, args[3].number, err) < 0) return -1;
	return judge(&hook, err);
}
