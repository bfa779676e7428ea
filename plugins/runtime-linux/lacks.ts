/**
 * What this machine lacks, as an error that names the lack and what mends it. Comes in: how an executor ended, or which step failed by which errno. Goes out:
 * E_UNSUPPORTED, or nothing where it is no lack. Called by `executor.ts` and `link/failure.ts`.
 */
import { readFileSync } from 'node:fs';
import { CoreError } from '@core/core/plugin';

/** Exit statuses of the executor, of PROTOCOL.md. */
const [NO_CALL, NO_USERNS] = [3, 4];

export const CALL_HINT = 'Boot Linux 5.12 or later, or let the seccomp filter around this process (that of an outer container) allow it; `core doctor` shows what else is missing.';
const FILE_SYSTEM_HINT =
  'This kernel has no such file system: load its module (modprobe), boot a kernel that has it, or leave the mount out. Images are mounted by overlay (CONFIG_OVERLAY_FS): without it run a folder by `core oci`.';

/** `how`: its status, a signal's name, or words of Node's. The run folder of a private kernel goes with it, so its words are told here. */
export function endedAtOnce(how: string | number, log: string): CoreError {
  const words = (log.trimEnd().split('\n').at(-1) ?? '').replace(/^core-executor: /, '');
  if (how === NO_CALL) return new CoreError('E_UNSUPPORTED', { message: `the executor cannot work here: ${words}`, hint: CALL_HINT });
  if (how === NO_USERNS) return new CoreError('E_UNSUPPORTED', { message: `the executor cannot work here: ${words}`, hint: usernsHint() });
  return new CoreError('E_EXECUTOR', { message: `the executor ended at once (${typeof how === 'number' ? `code ${how}` : how})${words && `: ${words}`}` });
}

/** The way out when a step failed because the machine lacks what it takes; undefined for any other failure. */
export function lackHint(step: string, errno: string): string | undefined {
  if (step === 'kernel') return CALL_HINT;
  if (step === 'fs' && errno === 'ENODEV') return FILE_SYSTEM_HINT;
  return step === 'newuser' && ['EPERM', 'ENOSPC', 'EUSERS', 'EINVAL'].includes(errno) ? usernsHint() : undefined;
}

/** Two of them bind ordinary users alone. */
const switches = [
  { path: '/proc/sys/user/max_user_namespaces', off: '0', root: true, mend: 'sysctl -w user.max_user_namespaces=15000' },
  { path: '/proc/sys/kernel/unprivileged_userns_clone', off: '0', root: false, mend: 'sysctl -w kernel.unprivileged_userns_clone=1' },
  { path: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns', off: '1', root: false, mend: 'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile that allows userns' },
];

/** Why there is no user namespace, as far as the machine says it. */
function usernsHint(): string {
  const found = switches.filter(({ path, off, root }) => (root || process.getuid?.() !== 0) && read(path) === off);
  if (found.length > 0) return `User namespaces are switched off here: ${found.map(({ mend }) => mend).join('; ')}.`;
  if (read('/proc/self/uid_map') === undefined) return 'Boot a kernel with CONFIG_USER_NS.';
  return 'A limit is reached (sysctl user.max_user_namespaces and its likes), or a seccomp filter around this process (that of an outer container) forbids CLONE_NEWUSER: raise the one, or let the other allow it.';
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
