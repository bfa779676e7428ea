/* The unpacker's process comes in with root's powers, and goes out with those it needs; called by layer.c. */
#include "confine.h"

#include "../fds.h"
#include "../sys.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define MEMORY_MAX (1ul << 30) /* zstd's largest window twice, sparse maps, folders */
#define FILES_MAX 64

/* A sanitizer's run-time needs memory and system calls of its own. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static void close_others(const int *keep, size_t count);
static void limit(int resource, rlim_t value);
static int drop_capabilities(struct err *err);
static int filter_calls(struct err *err);

int confine(int root, const int *keep, size_t count, struct err *err) {
	close_others(keep, count);
	umask(0);
	if (fchdir(root) < 0 || chroot(".") < 0) return err_sys(err, "unpack: cannot make the target its root folder");
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, FILES_MAX);
	limit(RLIMIT_FSIZE, RLIM_INFINITY);
	if (!SANITIZED) limit(RLIMIT_AS, MEMORY_MAX);
	if (drop_capabilities(err) < 0) return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return err_sys(err, "unpack: cannot give up new privileges");
	return SANITIZED ? 0 : filter_calls(err);
}

static void close_others(const int *keep, size_t count) {
	unsigned from = 3;
	for (;;) {
		unsigned next = ~0u;
		for (size_t i = 0; i < count; i++)
			if (keep[i] >= 0 && (unsigned)keep[i] >= from && (unsigned)keep[i] < next) next = (unsigned)keep[i];
		if (next > from) (void)fds_range(from, next == ~0u ? ~0u : next - 1, 0);
		if (next == ~0u) return;
		from = next + 1;
	}
}

/* A limit is only ever lowered. */
static void limit(int resource, rlim_t value) {
	struct rlimit now;
	if (getrlimit(resource, &now) < 0) return;
	if (now.rlim_max == RLIM_INFINITY || now.rlim_max > value) now.rlim_max = value;
	if (now.rlim_cur == RLIM_INFINITY || now.rlim_cur > value) now.rlim_cur = value;
	setrlimit(resource, &now);
}

static int drop_capabilities(struct err *err) {
	/* SYS_ADMIN is what trusted.overlay.opaque takes; the system call filter keeps it from anything else. */
	const uint64_t kept = 1ull << CAP_CHOWN | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_FOWNER | 1ull << CAP_FSETID | 1ull << CAP_MKNOD | 1ull << CAP_SETFCAP
		| 1ull << CAP_SYS_ADMIN;
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];
	if (syscall(SYS_capget, &header, data) < 0) return err_sys(err, "unpack: cannot read its capabilities");
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(kept >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, data) < 0) return err_sys(err, "unpack: cannot drop capabilities");
	return 0;
}

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE
static const int allowed[] = {
	SYS_read, SYS_write, SYS_lseek, SYS_close, SYS_openat, SYS_openat2, SYS_fcntl, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_ftruncate,
	SYS_mkdirat, SYS_mknodat, SYS_symlinkat, SYS_linkat, SYS_unlinkat, SYS_renameat2, SYS_getdents64, SYS_fchown, SYS_fchownat, SYS_fchmod,
	SYS_utimensat, SYS_fsetxattr, SYS_syncfs, SYS_fsync, SYS_sync_file_range, SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise,
	SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_restart_syscall, SYS_clock_gettime, SYS_futex, SYS_getpid, SYS_gettid, SYS_exit, SYS_exit_group,
};
#define ALLOWED (sizeof allowed / sizeof allowed[0])

static int filter_calls(struct err *err) {
	struct sock_filter code[ALLOWED + 6];
	size_t n = 0;
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < ALLOWED; i++) code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)allowed[i], (uint8_t)(ALLOWED - i), 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {.len = (unsigned short)n, .filter = code};
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0) return err_sys(err, "unpack: cannot load its system call filter");
	return 0;
}
#else
static int filter_calls(struct err *err) {
	(void)err;
	return 0;
}
#endif
