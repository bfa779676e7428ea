/* The start of a container, from the folder to the reply: a checked plan comes in, a watched process goes out, or nothing is
 * left. Called by monitor.c, in the monitor. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "listen.h"
#include "monitor.h"
#include "sys.h"
#include "util.h"

void monitor_report(struct monitor *monitor, char letter, const struct enc *body) {
	uint32_t size = (uint32_t)body->len;
	struct iovec parts[3] = { { &letter, 1 }, { &size, 4 }, { body->data, body->len } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 3 };

	if (monitor->report >= 0 && sendmsg(monitor->report, &message, MSG_NOSIGNAL) < 0) fd_close(&monitor->report);
}

static bool is_alive(int pid, uint64_t start_time) {
	return start_time && process_start_time(pid) == start_time;
}

/* What an earlier run of the same container left is cleared, but not under a monitor that lives. */
static int make_dir(struct monitor *monitor, struct err *err) {
	const char *dir = monitor->keep.dir;
	struct state_record state;

	if (mkdir(dir, 0711) == 0) return 0;
	if (errno != EEXIST) return err_sys(err, "cannot make %s", dir);
	if (record_read_state(dir, &state) == 0 && !record_has_exit(dir) && is_alive(state.monitor, state.monitor_start_time)) {
		err->step = "start";
		return err_set(err, EBUSY, "%s runs already", monitor->keep.id);
	}
	keep_remove_dir(&monitor->keep);
	if (mkdir(dir, 0711) < 0 && errno != EEXIST) return err_sys(err, "cannot make %s", dir);
	return 0;
}

/* May come too late for a process that has ended already; then there is nothing to hold. */
static void hold_mounts(struct monitor *monitor) {
	char path[48];
	struct text text = TEXT(path);

	monitor->mount_ns = ioctl(monitor->first.process.pidfd, CORE_PIDFD_GET_MNT_NAMESPACE, 0);
	if (monitor->mount_ns >= 0) return;
	text_add(&text, "/proc/");
	text_add_number(&text, monitor->first.process.pid);
	text_add(&text, "/ns/mnt");
	monitor->mount_ns = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
}

static int write_records(struct monitor *monitor, const struct plan *plan, struct err *err) {
	struct state_record state = {
		.pid = monitor->first.process.pid, .monitor = getpid(), .started_at = monitor->exit.started_at,
		.start_time = process_start_time(monitor->first.process.pid), .monitor_start_time = process_start_time(getpid()),
	};

	if (plan->record && record_write_bytes(plan->dir, "record", plan->record->str, plan->record->len, err) < 0) return -1;
	return record_write_state(plan->dir, &state, err);
}

static void report_started(struct monitor *monitor) {
	uint8_t bytes[128];
	struct enc enc = ENC(bytes);

	reply_begin(&enc, monitor->start_seq, 0);
	enc_map(&enc, 2);
	enc_str(&enc, "pid");
	enc_uint(&enc, (uint64_t)monitor->first.process.pid);
	enc_str(&enc, "startedAt");
	enc_uint(&enc, (uint64_t)monitor->exit.started_at);
	monitor_report(monitor, REPORT_STARTED, &enc);
}

/* `prepare` may have made the log's folder; what the process wrote so far waits in its pipes. */
static int open_files(struct monitor *monitor, const struct plan *plan, struct err *err) {
	err->step = "log";
	if (log_open(&monitor->log, &plan->io, err) < 0) return -1;
	err->step = "dir";
	monitor->listener = listen_in(plan->dir, "ctl", err);
	return monitor->listener < 0 ? -1 : write_records(monitor, plan, err);
}

static int start_all(struct monitor *monitor, struct start *start, struct err *err) {
	const struct plan *plan = start->plan;
	struct process *first = &monitor->first.process;

	err->step = "dir";
	if (make_dir(monitor, err) < 0) return -1;
	monitor->dir_made = true;
	err->step = "";
	start->launch.network = &monitor->network;
	if (launch_container(&start->launch, start->plan, first, err) < 0) return -1;
	monitor->exit.started_at = now_ms();
	fd_close(&start->launch.netns);
	hold_mounts(monitor);
	if (open_files(monitor, plan, err) < 0) {
		process_end(first);
		return -1;
	}
	report_started(monitor);
	oom_open(&monitor->oom, plan->oom_version, plan->oom_path);
	monitor->first.input_open = plan->io.stdin_open;
	monitor->stdin_once = plan->io.stdin_once;
	return 0;
}

int monitor_start(struct monitor *monitor, struct start *start, struct err *err) {
	uint8_t bytes[ENVELOPE];
	struct enc enc = ENC(bytes);
	int ret = start_all(monitor, start, err);

	if (ret == 0) {
		start->release(start->held);
		return 0;
	}
	fd_close(&monitor->mount_ns);
	network_end(&monitor->network);
	/* A folder that is not ours belongs to a container that runs: nothing of its is touched. */
	if (monitor->dir_made) {
		keep_kill(&monitor->keep);
		keep_tear_down(&monitor->keep);
		keep_remove_dir(&monitor->keep);
	}
	enc_error(&enc, monitor->start_seq, err);
	monitor_report(monitor, REPORT_FAILED, &enc);
	return -1;
}
