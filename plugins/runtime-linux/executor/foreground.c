/* Stays with a process in the foreground: its end is waited for, signals are handed on, and a terminal of its own is
 * connected to the caller's. Called by once.c; the exit status goes out. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>

#include "once.h"
#include "sys.h"
#include "util.h"

enum { CHUNK = 16384, DRAIN_MS = 200 };

struct view {
	struct process *process;
	int signals, master;
	bool raw, reading;
	struct termios before;
};

static void fit_size(const struct view *view) {
	struct winsize size;

	if (view->master >= 0 && ioctl(0, TIOCGWINSZ, &size) == 0) (void)ioctl(view->master, TIOCSWINSZ, &size);
}

static void make_raw(struct view *view) {
	struct termios raw;

	if (view->master < 0 || tcgetattr(0, &view->before) < 0) return;
	raw = view->before;
	cfmakeraw(&raw);
	/* What the container writes has its line ends already; what we may say ourselves has not. */
	raw.c_oflag |= OPOST;
	view->raw = tcsetattr(0, TCSANOW, &raw) == 0;
	fit_size(view);
}

/* False at the end of what comes. */
static bool carry(int from, int to) {
	char bytes[CHUNK];
	ssize_t got = read(from, bytes, sizeof bytes);
	size_t done = 0;

	if (got < 0) return errno == EAGAIN || errno == EINTR;
	while (done < (size_t)got) {
		ssize_t put = write(to, bytes + done, (size_t)got - done);

		if (put > 0) done += (size_t)put;
		else if (errno == EAGAIN) (void)poll(&(struct pollfd){ .fd = to, .events = POLLOUT }, 1, 1000);
		else if (errno != EINTR) return false;
	}
	return got > 0;
}

/* What the terminal sends to the whole foreground has reached the caller, who hands it on himself. */
static void take_signals(struct view *view) {
	struct signalfd_siginfo info;

	while (read(view->signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGCHLD) continue;
		if (info.ssi_signo == SIGWINCH) fit_size(view);
		else if (info.ssi_code != SI_KERNEL) (void)sys_pidfd_send_signal(view->process->pidfd, (int)info.ssi_signo);
	}
}

static int open_signals(void) {
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGTTOU);
	sigdelset(&all, SIGTTIN);
	(void)signal(SIGTTOU, SIG_IGN);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	return signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* A terminal's last output may come behind the end of its first process, but not for ever: others may hold it open. */
static void drain(struct view *view) {
	int64_t deadline = monotonic_ms() + DRAIN_MS;
	struct pollfd out = { .fd = view->master, .events = POLLIN };

	while (monotonic_ms() < deadline && poll(&out, 1, DRAIN_MS) > 0 && out.revents & POLLIN)
		if (!carry(view->master, 1)) return;
}

static int status_of(struct process *process) {
	siginfo_t info = { 0 };

	while (waitid(P_PID, (id_t)process->pid, &info, WEXITED) < 0)
		if (errno != EINTR) return 255;
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

static void attend(struct view *view) {
	struct pollfd fds[4];

	for (;;) {
		fds[0] = (struct pollfd){ .fd = view->process->pidfd, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = view->signals, .events = POLLIN };
		fds[2] = (struct pollfd){ .fd = view->master, .events = POLLIN };
		fds[3] = (struct pollfd){ .fd = view->reading ? 0 : -1, .events = POLLIN };
		if (poll(fds, 4, -1) < 0) continue;
		if (fds[1].revents) take_signals(view);
		if (fds[2].revents && !carry(view->master, 1)) fd_close(&view->master);
		if (fds[3].revents && (view->master < 0 || !carry(0, view->master))) view->reading = false;
		if (fds[0].revents) return;
	}
}

int foreground(struct process *process) {
	struct view view = { .process = process, .signals = open_signals(), .master = process->out };
	int status;

	view.reading = view.master >= 0;
	make_raw(&view);
	attend(&view);
	if (view.master >= 0) drain(&view);
	if (view.raw) (void)tcsetattr(0, TCSANOW, &view.before);
	status = status_of(process);
	return status;
}
