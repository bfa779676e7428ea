/** A signal to a container of `core-oci`: to its first process, or to all. Called by `index.ts`. */
import { CoreError } from '@core/core/plugin';
import { memberFolder, processesIn } from '../oci/groups.js';
import { isAlive, type Container as Found } from '../oci/state.js';
import { signalNumber } from '../signals.js';

/** To what is gone it succeeds. Throws E_INVALID for a name no signal has. */
export function signalForeign({ record }: Found, { signal, all }: { readonly signal: string; readonly all: boolean }): void {
  const number = signalNumber(signal);
  const members = all ? memberFolder(record.groups) : undefined;
  if (members !== undefined) for (const pid of processesIn(members)) send(pid, number);
  else if (isAlive(record)) send(record.pid, number);
}

export function send(pid: number, number: number): void {
  try {
    process.kill(pid, number);
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code !== 'ESRCH') throw new CoreError('E_IO', { message: `cannot send signal ${number} to process ${pid}: ${message}`, errno: code, cause: thrown });
  }
}
