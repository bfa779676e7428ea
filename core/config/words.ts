/**
 * The fixed words of the field: signals, capabilities, resource limits. Comes in: what a user wrote. Goes out: the one spelling
 * the rest of the engine knows, or undefined. Called by the schemas and the operations.
 */

/** Linux signal numbers of x86 and arm (signal(7)). */
const SIGNALS = [
  'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGKILL', 'SIGUSR1', 'SIGSEGV', 'SIGUSR2', 'SIGPIPE', 'SIGALRM', 'SIGTERM', 'SIGSTKFLT',
  'SIGCHLD', 'SIGCONT', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGXCPU', 'SIGXFSZ', 'SIGVTALRM', 'SIGPROF', 'SIGWINCH', 'SIGIO', 'SIGPWR', 'SIGSYS',
] as const;

const RTMIN = 34;
const RTMAX = 64;

/** capability(7), by number. */
export const CAPABILITIES: readonly string[] = [
  'CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'LINUX_IMMUTABLE', 'NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW',
  'IPC_LOCK', 'IPC_OWNER', 'SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE', 'SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD',
  'LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP', 'MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF', 'CHECKPOINT_RESTORE',
].map((name) => `CAP_${name}`);

/** getrlimit(2). */
export const RLIMITS: readonly string[] = [
  'AS', 'CORE', 'CPU', 'DATA', 'FSIZE', 'LOCKS', 'MEMLOCK', 'MSGQUEUE', 'NICE', 'NOFILE', 'NPROC', 'RSS', 'RTPRIO', 'RTTIME', 'SIGPENDING', 'STACK',
].map((name) => `RLIMIT_${name}`);

/** `term`, `SIGTERM` and `15` are `SIGTERM`; `RTMIN+3` is `SIGRTMIN+3`. */
export function signalName(word: string): string | undefined {
  const upper = word.toUpperCase();
  if (/^\d+$/.test(upper)) return signalOfNumber(Number(upper));
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  if ((SIGNALS as readonly string[]).includes(name)) return name;
  const realtime = /^SIGRT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  if (!realtime) return name === 'SIGPOLL' ? 'SIGIO' : undefined;
  const offset = Number(`${realtime[2] ?? '+'}${realtime[3] ?? '0'}`);
  return signalOfNumber((realtime[1] === 'MIN' ? RTMIN : RTMAX) + offset);
}

export const signalWords: readonly string[] = SIGNALS;

/** `net_raw` and `CAP_NET_RAW` are `CAP_NET_RAW`; `all` is `ALL`. */
export function capabilityName(word: string): string | undefined {
  const upper = word.toUpperCase();
  if (upper === 'ALL' || upper === 'CAP_ALL') return 'ALL';
  const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  return CAPABILITIES.includes(name) ? name : undefined;
}

/** `nofile` and `RLIMIT_NOFILE` are `RLIMIT_NOFILE`. */
export function rlimitName(word: string): string | undefined {
  const upper = word.toUpperCase();
  const name = upper.startsWith('RLIMIT_') ? upper : `RLIMIT_${upper}`;
  return RLIMITS.includes(name) ? name : undefined;
}

function signalOfNumber(number: number): string | undefined {
  if (number >= RTMIN && number <= RTMAX) return number === RTMIN ? 'SIGRTMIN' : `SIGRTMIN+${number - RTMIN}`;
  return SIGNALS[number - 1];
}
