/* Ends a container in the place of its monitor: what is known of it comes in, an exit record goes out. Called by workers. */
#define _GNU_SOURCE
#include "reap.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include "sys.h"
#include "util.h"

enum { END_MS = 5000 };

/* Kills a process if it is still the one that was recorded, and waits for its end. */
static void kill_recorded(int pid, uint64_t start_time) {
	autofd fd = sys_pidfd_open(pid);
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	if (fd < 0 || !start_time || process_start_time(pid) != start_time) return;
	if (sys_pidfd_send_signal(fd, SIGKILL) == 0) (void)poll(&wait, 1, END_MS);
}

int reap(const struct keep *keep, struct exit_record *record, bool *written, struct err *err) {
	struct state_record state = { 0 };
	bool known = record_read_state(keep->dir, &state) == 0;
	char ctl[PATH_MAX];

	*written = false;
	if (known) {
		kill_recorded(state.monitor, state.monitor_start_time);
		kill_recorded(state.pid, state.start_time);
	}
	keep_kill(keep);
	keep_tear_down(keep);
	*record = (struct exit_record){ .code = 128 + SIGKILL, .signal = SIGKILL, .reason = "monitor-lost", .finished_at = now_ms() };
	record->started_at = known ? state.started_at : record->finished_at;
	if (join_path(ctl, sizeof ctl, keep->dir, "ctl") == 0) (void)unlink(ctl);
	if (record_has_exit(keep->dir)) return 0;
	if (mkdir(keep->dir, 0711) < 0 && errno != EEXIST) return err_sys(err, "cannot make %s", keep->dir);
	*written = record_write_exit(keep->dir, record, err) == 0;
	return *written ? 0 : -1;
}
