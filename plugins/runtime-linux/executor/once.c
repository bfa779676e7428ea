/* The executor of an OCI caller: one request comes over an inherited socket, a container or an exec is made, and nobody stays
 * behind. The caller owns stdio and waits for the process itself, as its nearest subreaper. Called by main.c.
 *
 * `[1, "create", PLAN]`, `[1, "exec", EXECPLAN]` or `[1, "teardown", STEPS]` comes in; `[1, 2, {sync, pid}]` goes out for each `sync` of the child and is
 * answered by `[1, "go", nil]`; `[1, 0, {pid, startTime}]` or `[1, 1, failure]` goes out last. See PROTOCOL.md. */
#define _GNU_SOURCE
#include "once.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fdpass.h"
#include "fds.h"
#include "init.h"
#include "keep.h"
#include "listener.h"
#include "needs.h"
#include "sys.h"
#include "util.h"

struct once {
	struct launch launch;
	struct arena arena;
	uint8_t *bytes; /* of the request, which the arena points into */
	int channel;
};

static int forget_caller(int channel, struct err *err);
static void forget_request(struct once *once);
static int hear(struct once *once, struct request *out, struct err *err);
static int create(struct once *once, const struct node *arg, struct process *out, bool *stay, struct err *err);
static int exec(struct once *once, const struct node *arg, struct process *out, bool *stay, struct err *err);
static int tear_down(struct once *once, const struct node *arg, struct err *err);
static void tell(struct once *once, const struct enc *body);
static void tell_started(struct once *once, int pid);
static int on_sync(void *arg, const char *name, int pid, struct err *err);

int once_main(int channel) {
	struct once once = { .channel = channel, .launch = { .machine_ns = -1, .init = -1, .netns = -1, .sync = on_sync } };
	struct process process = PROCESS_INIT;
	struct err err = ERR_INIT;
	struct request request;
	uint8_t bytes[ENVELOPE];
	struct enc enc = ENC(bytes);
	bool stay = false;
	int ret = -1;

	once.launch.arg = &once;
	if (forget_caller(channel, &err) < 0 || hear(&once, &request, &err) < 0 || needs_check(&err) < 0) ret = -1;
	else if (strcmp(request.op, "create") == 0) ret = create(&once, request.arg, &process, &stay, &err);
	else if (strcmp(request.op, "exec") == 0) ret = exec(&once, request.arg, &process, &stay, &err);
	else if (strcmp(request.op, "teardown") == 0) ret = tear_down(&once, request.arg, &err);
	else ret = err_set(&err, EBADMSG, "there is no request %.40s", request.op);
	if (ret < 0) {
		enc_error(&enc, 1, &err);
		tell(&once, &enc);
	} else tell_started(&once, process.pid);
	forget_request(&once);
	if (ret < 0) return 1;
	return stay ? foreground(&process) : 0;
}

/* All but the descriptors below the channel: those are for the process. */
static int forget_caller(int channel, struct err *err) {
	sigset_t none;

	for (int number = 1; number < 65; number++) (void)signal(number, SIG_DFL);
	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	(void)umask(0);
	/* Before any container is joined: nobody inside may trace or read this process. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || fcntl(channel, F_SETFD, FD_CLOEXEC) < 0) return err_sys(err, "cannot begin");
	return fds_forget((unsigned)channel + 1, err);
}

static int read_whole(int fd, uint8_t *out, size_t len) {
	while (len > 0) {
		ssize_t got = recv(fd, out, len, 0);

		if (got < 0 && errno == EINTR) continue;
		if (got <= 0) return -1;
		out += got;
		len -= (size_t)got;
	}
	return 0;
}

static void forget_request(struct once *once) {
	arena_free(&once->arena);
	free(once->bytes);
	once->bytes = NULL;
}

/* The memory of the frame before is given back. */
static int hear(struct once *once, struct request *out, struct err *err) {
	struct node frame;
	uint32_t size;

	err->step = "frame";
	forget_request(once);
	if (read_whole(once->channel, (uint8_t *)&size, sizeof size) < 0) return err_set(err, ECANCELED, "the caller is gone");
	if (size > MAX_REQUEST) return err_set(err, EMSGSIZE, "a request of %u bytes is too long", size);
	once->bytes = malloc(size + 1);
	if (!once->bytes) return err_set(err, ENOMEM, "no memory for the request");
	if (read_whole(once->channel, once->bytes, size) < 0) return err_set(err, ECANCELED, "the caller is gone");
	if (arena_open(&once->arena, arena_size_for(size), err) < 0 || msgpack_decode(&once->arena, once->bytes, size, &frame, err) < 0) return -1;
	return request_check(&frame, out, err);
}

static void tell(struct once *once, const struct enc *body) {
	uint32_t size = (uint32_t)body->len;
	struct iovec parts[2] = { { &size, 4 }, { body->data, body->len } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	(void)sendmsg(once->channel, &message, MSG_NOSIGNAL);
}

static void tell_started(struct once *once, int pid) {
	uint8_t bytes[ENVELOPE];
	struct enc enc = ENC(bytes);

	reply_begin(&enc, 1, 0);
	enc_map(&enc, 2);
	enc_str(&enc, "pid");
	enc_uint(&enc, (uint64_t)pid);
	enc_str(&enc, "startTime");
	enc_uint(&enc, process_start_time(pid));
	tell(once, &enc);
}

/* The plan is in use while the caller is asked, so the answer is read without a tree of its own. */
static int on_sync(void *arg, const char *name, int pid, struct err *err) {
	struct once *once = arg;
	struct once answer = { .channel = once->channel };
	uint8_t bytes[ENVELOPE];
	struct enc enc = ENC(bytes);
	struct request request = { .op = "" };
	int ret;

	reply_begin(&enc, 1, 2);
	enc_map(&enc, 2);
	enc_str(&enc, "sync");
	enc_str(&enc, name);
	enc_str(&enc, "pid");
	enc_uint(&enc, (uint64_t)pid);
	tell(once, &enc);
	ret = hear(&answer, &request, err);
	if (ret == 0 && strcmp(request.op, "go") != 0) ret = err_set(err, ECANCELED, "the caller gave up");
	if (ret < 0) err->step = "sync";
	else err->step = "";
	arena_free(&answer.arena);
	free(answer.bytes);
	return ret;
}

static int connect_console(const char *path, struct err *err) {
	int fd;

	err->step = "console";
	fd = unix_connect(path, err);
	if (fd >= 0) err->step = "";
	return fd;
}

/* Whoever takes the terminal decides itself whether it blocks. */
static int hand_terminal(int console, struct process *process, struct err *err) {
	err->step = "console";
	if (fcntl(process->out, F_SETFL, 0) < 0) return err_sys(err, "cannot make the terminal blocking");
	if (fd_send(console, process->out, err) < 0) return -1;
	fd_close(&process->out);
	process->in = -1;
	return 0;
}

static int provide_init(struct once *once, const struct command *command, struct err *err) {
	if (!command->init) return 0;
	once->launch.init = init_image();
	return once->launch.init < 0 ? err_sys(err, "cannot make the small init") : 0;
}

static int create(struct once *once, const struct node *arg, struct process *out, bool *stay, struct err *err) {
	autofd console = -1;
	struct plan plan;
	struct keep keep;
	int ret;

	if (plan_check(&once->arena, arg, &plan, err) < 0 || keep_plan(&keep, &plan, err) < 0 || provide_init(once, &plan.command, err) < 0) return -1;
	/* Before anything is made: a caller that cannot take the terminal gets no container. */
	if (plan.io.console && (console = connect_console(plan.io.console, err)) < 0) return -1;
	err->step = "";
	ret = launch_container(&once->launch, &plan, out, err);
	if (ret == 0 && console >= 0 && hand_terminal(console, out, err) < 0) {
		process_end(out);
		ret = -1;
	}
	if (ret < 0) {
		keep_kill(&keep);
		keep_tear_down(&keep);
	}
	keep_free(&keep);
	*stay = !plan.detach;
	return ret;
}

/* What a container leaves that goes neither with its processes nor with its folders. */
static int tear_down(struct once *once, const struct node *arg, struct err *err) {
	struct ctx ctx = { .root = -1, .machine_ns = -1, .own_ns = -1, .userns = -1 };
	struct steps steps;

	if (arg->type != NODE_ARRAY) return err_set(err, EINVAL, "teardown wants a list of steps");
	if (steps_check(&once->arena, arg, IN_TEARDOWN, &steps, err) < 0) return -1;
	return steps_run(&ctx, &steps, err);
}

static int open_first(const struct exec_plan *plan, struct err *err) {
	int first = plan->pid > 0 ? sys_pidfd_open(plan->pid) : -1;

	err->step = "first";
	if (first < 0) return err_sys(err, "cannot find the container's process");
	if (process_start_time(plan->pid) == plan->start_time) return first;
	close(first);
	return err_set(err, ESRCH, "the container's process has ended");
}

/* Where joining the mount namespace does not lead. The pidfd still living says that the folder was that process's. */
static int open_root(int pid, int first, struct err *err) {
	char path[48];
	struct text text = TEXT(path);
	autofd root = -1;

	text_add(&text, "/proc/");
	text_add_number(&text, pid);
	text_add(&text, "/root");
	root = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || sys_pidfd_send_signal(first, 0) < 0) return err_sys(err, "cannot open the container's root");
	return fd_take(&root);
}

static int exec(struct once *once, const struct node *arg, struct process *out, bool *stay, struct err *err) {
	autofd console = -1, first = -1, root = -1;
	struct exec_plan plan;

	if (exec_plan_check(&once->arena, arg, &plan, err) < 0 || provide_init(once, &plan.command, err) < 0) return -1;
	first = open_first(&plan, err);
	if (first < 0) return -1;
	if (plan.io.console && (console = connect_console(plan.io.console, err)) < 0) return -1;
	err->step = "";
	if (plan.chroot && (root = open_root(plan.pid, first, err)) < 0) return -1;
	plan.root = root;
	if (launch_exec(&once->launch, &plan, first, out, err) < 0) return -1;
	*stay = !plan.detach;
	if (console < 0 || hand_terminal(console, out, err) == 0) return 0;
	process_end(out);
	return -1;
}
