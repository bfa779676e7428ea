/** What the default profile allows, as data; read by `profile.ts` alone. Names an architecture lacks are passed over there. */
import type { Oci } from '@core/core/plugin';

const list = (text: string): string[] => text.trim().split(/\s+/);

export const alwaysAllowed: readonly string[] = [
  // attributes
  ...list(`fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat llistxattr lremovexattr lsetxattr
    removexattr removexattrat setxattr setxattrat`),
  // identity
  ...list(`capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getpgid getpgrp getpid getppid getresgid
    getresgid32 getresuid getresuid32 getsid gettid getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups
    setgroups32 setpgid setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setsid setuid setuid32 umask`),
  // memory
  ...list(`brk madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2 mprotect mremap mseal msync
    munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease remap_file_pages`),
  // signals
  ...list(`kill pause pidfd_send_signal rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
    rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack signalfd signalfd4 sigprocmask sigreturn tgkill tkill`),
  // scheduling and limits
  ...list(`getcpu getpriority getrlimit getrusage ioprio_get ioprio_set prlimit64 sched_get_priority_max sched_get_priority_min sched_getaffinity
    sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr
    sched_setparam sched_setscheduler sched_yield setpriority setrlimit ugetrlimit`),
  // processes
  ...list(`execve execveat exit exit_group fork futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list get_thread_area
    landlock_add_rule landlock_create_ruleset landlock_restrict_self pidfd_open prctl restart_syscall riscv_hwprobe rseq seccomp
    set_robust_list set_thread_area set_tid_address uretprobe vfork wait4 waitid waitpid`),
  // time
  ...list(`adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
    clock_nanosleep_time64 futimesat getitimer gettimeofday nanosleep setitimer time timer_create timer_delete timer_getoverrun
    timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
    timerfd_settime64 times utime utimensat utimensat_time64 utimes`),
  // events
  ...list(`epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 fanotify_mark
    inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64
    io_setup io_submit _newselect poll ppoll ppoll_time64 pselect6 pselect6_time64 select`),
  // sockets
  ...list(`accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64 recvmsg send sendmmsg
    sendmsg sendto setsockopt shutdown socketpair`),
  // System V and POSIX IPC
  ...list(`ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget
    msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget`),
  // the machine itself
  ...list(`getrandom sysinfo uname`),
  // files
  ...list(`access cachestat chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64
    fadvise64_64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync flock fstat fstat64 fstatat64
    fstatfs fstatfs64 fsync ftruncate ftruncate64 getcwd getdents getdents64 ioctl lchown lchown32 link linkat listmount _llseek lseek lstat
    lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev
    pwritev2 read readahead readlink readlinkat readv rename renameat renameat2 rmdir sendfile sendfile64 splice stat stat64 statfs statfs64
    statmount statx symlink symlinkat sync sync_file_range syncfs tee truncate truncate64 unlink unlinkat vmsplice write writev`),
  // harmless to others since Linux 4.8, which checks seccomp after ptrace; this runtime needs a younger kernel anyway
  ...list('process_vm_readv process_vm_writev ptrace'),
];

/** By `process.arch`. */
export const nativeOnly: Readonly<Record<string, readonly string[]>> = {
  x64: list('arch_prctl modify_ldt'),
  arm64: list('arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls'),
};

export const byCapability: Readonly<Record<string, readonly string[]>> = {
  CAP_DAC_READ_SEARCH: list('open_by_handle_at'),
  CAP_SYS_ADMIN: list(`bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules
    lsm_set_self_attr mount mount_setattr move_mount open_tree open_tree_attr perf_event_open quotactl quotactl_fd setdomainname sethostname
    setns syslog umount umount2 unshare`),
  CAP_SYS_BOOT: list('reboot'),
  CAP_SYS_CHROOT: list('chroot'),
  CAP_SYS_MODULE: list('delete_module init_module finit_module'),
  CAP_SYS_PACCT: list('acct'),
  CAP_SYS_PTRACE: list('kcmp pidfd_getfd process_madvise'),
  CAP_SYS_RAWIO: list('iopl ioperm'),
  CAP_SYS_TIME: list('settimeofday stime clock_settime clock_settime64'),
  CAP_SYS_TTY_CONFIG: list('vhangup'),
  CAP_SYS_NICE: list('get_mempolicy mbind set_mempolicy set_mempolicy_home_node'),
  CAP_SYSLOG: list('syslog'),
  CAP_BPF: list('bpf'),
  CAP_PERFMON: list('perf_event_open'),
};

/**
 * Families a container may open: the living ones below AF_MAX. Left out above all: 38 (AF_ALG, the kernel's crypto) and 40
 * (AF_VSOCK, the way to the hypervisor); then the dead and exotic 12, 19, 20, 23, 25, 34, 37, and whatever comes after 45.
 */
export const socketFamilies: ReadonlyArray<{ readonly op: Oci.SeccompOperator; readonly family: number }> = [
  { op: 'SCMP_CMP_LT', family: 12 },
  ...[13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44, 45].map(
    (family) => ({ op: 'SCMP_CMP_EQ', family }) as const,
  ),
];

/** PER_LINUX, PER_LINUX32, each with and without UNAME26, and the query. */
export const personalities: readonly number[] = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];
