/** OCI seccomp actions in, `SECCOMP_RET_*` values out. Called by the seccomp compiler. */
import { CoreError, type Oci } from '@core/core/plugin';

const ERRNO = 0x00050000;
const TRACE = 0x7ff00000;
const EPERM = 1;
const ENOSYS = 38;

export const RET_KILL_THREAD = 0x00000000;
export const RET_ENOSYS = ERRNO | ENOSYS;

const plain: Partial<Record<Oci.SeccompAction, number>> = {
  SCMP_ACT_KILL: RET_KILL_THREAD,
  SCMP_ACT_KILL_THREAD: RET_KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
};

/** `errnoRet` defaults to EPERM. That somebody listens to `SCMP_ACT_NOTIFY` is checked before (`validate/seccomp.ts`). */
export function returnValue(action: Oci.SeccompAction, errnoRet: number = EPERM): number {
  const value = plain[action];
  if (value !== undefined) return value;
  if (action === 'SCMP_ACT_ERRNO') return ERRNO | (errnoRet & 0xffff);
  if (action === 'SCMP_ACT_TRACE') return TRACE | (errnoRet & 0xffff);
  throw new CoreError('E_INVALID', { message: `seccomp: unknown action ${String(action)}` });
}

/** Whether a call that gets this action is carried out, or may be (a tracer decides). */
export function permits(action: Oci.SeccompAction): boolean {
  return action === 'SCMP_ACT_ALLOW' || action === 'SCMP_ACT_LOG' || action === 'SCMP_ACT_TRACE';
}
