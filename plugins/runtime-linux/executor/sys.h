/* For files, openat(AT_FDCWD, ...) is called all over: musl's open() adds a second system call to each O_CLOEXEC.
 * System calls and constants that libc or the machine's kernel headers may lack; each wrapper is the bare call. */
#ifndef CORE_SYS_H
#define CORE_SYS_H

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif
#ifndef SYS_fsopen
#define SYS_fsopen 430
#endif
#ifndef SYS_fsconfig
#define SYS_fsconfig 431
#endif
#ifndef SYS_fsmount
#define SYS_fsmount 432
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif
#define CORE_CLONE_INTO_CGROUP 0x200000000ULL
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#define FSOPEN_CLOEXEC 1
#define FSMOUNT_CLOEXEC 1
#define MOVE_MOUNT_F_EMPTY_PATH 0x00000004
#define MOVE_MOUNT_T_EMPTY_PATH 0x00000040
#define MOUNT_ATTR_RDONLY 0x00000001
#define MOUNT_ATTR_NOSUID 0x00000002
#define MOUNT_ATTR_NODEV 0x00000004
#define MOUNT_ATTR_NOEXEC 0x00000008
#define MOUNT_ATTR_IDMAP 0x00100000
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

enum { CORE_FSCONFIG_FLAG = 0, CORE_FSCONFIG_STRING = 1, CORE_FSCONFIG_FD = 5, CORE_FSCONFIG_CREATE = 6 };

#define RESOLVE_NO_XDEV 0x01
#define RESOLVE_NO_MAGICLINKS 0x02
#define RESOLVE_NO_SYMLINKS 0x04
#define RESOLVE_BENEATH 0x08
#define RESOLVE_IN_ROOT 0x10

#define CLOSE_RANGE_UNSHARE_FLAG 2
#define CLOSE_RANGE_CLOEXEC_FLAG 4

/* _IO(0xFF, n) of linux/pidfd.h and linux/nsfs.h */
#define CORE_PIDFD_GET_MNT_NAMESPACE 0xff03

#define CORE_NS_GET_NSTYPE 0xb703

#define PROC_MAGIC 0x9fa0
#define PROC_ROOT_INODE 1
#define DEVPTS_MAGIC 0x1cd1
#define CGROUP2_MAGIC 0x63677270

struct core_open_how {
	uint64_t flags, mode, resolve;
};

struct core_mount_attr {
	uint64_t attr_set, attr_clr, propagation, userns_fd;
};

struct core_clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

static inline int sys_open_tree(int dir, const char *path, unsigned flags) {
	return (int)syscall(SYS_open_tree, dir, path, flags);
}

static inline int sys_move_mount(int from, int to, const char *path, unsigned flags) {
	return (int)syscall(SYS_move_mount, from, "", to, path, flags);
}

static inline int sys_fsopen(const char *type) {
	return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
}

static inline int sys_fsconfig(int fd, unsigned command, const char *key, const void *value, int aux) {
	return (int)syscall(SYS_fsconfig, fd, command, key, value, aux);
}

static inline int sys_fsmount(int fd, unsigned attrs) {
	return (int)syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attrs);
}

static inline int sys_mount_setattr(int dir, const char *path, unsigned flags, const struct core_mount_attr *attr) {
	return (int)syscall(SYS_mount_setattr, dir, path, flags, attr, sizeof *attr);
}

static inline int sys_openat2(int dir, const char *path, uint64_t flags, uint64_t resolve) {
	struct core_open_how how = { flags | O_CLOEXEC, 0, resolve };

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

static inline int sys_close_range(unsigned first, unsigned last, unsigned flags) {
	return (int)syscall(SYS_close_range, first, last, flags);
}

static inline int sys_pidfd_open(int pid) {
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static inline int sys_pidfd_getfd(int pidfd, int number) {
	return (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
}

static inline int sys_pidfd_send_signal(int fd, int number) {
	return (int)syscall(SYS_pidfd_send_signal, fd, number, NULL, 0);
}

#endif
