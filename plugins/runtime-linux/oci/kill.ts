/** `core-oci kill`: a signal to the first process, or to all there are. Called by `program.ts`. */
import { constants } from 'node:os';
import { signalNumber } from '../signals.js';
import { OciFailure } from './failure.js';
import type { Globals } from './globals.js';
import { memberFolder, processesIn } from './groups.js';
import { hasProcess, load, statusOf, type ContainerRecord } from './state.js';

export function kill(globals: Globals, id: string, { signal, all }: { readonly signal: string; readonly all: boolean }): void {
  const container = load(globals.root, id);
  const number = numberOf(signal);
  const { groups, pid } = container.record;
  // Without a pid namespace of its own the others outlive the first.
  const everybody = all || (number === constants.signals.SIGKILL && !hasOwnPids(container.record) && hasProcess(statusOf(container)));
  if (everybody) {
    const folder = memberFolder(groups);
    for (const member of folder === undefined ? [pid].filter((each) => each > 0) : processesIn(folder)) send(member, number);
    return;
  }
  if (!hasProcess(statusOf(container)) || !send(pid, number)) throw new OciFailure('container not running');
}

function hasOwnPids({ config }: ContainerRecord): boolean {
  return (config.linux?.namespaces ?? []).some(({ type, path }) => type === 'pid' && path === undefined);
}

function numberOf(signal: string): number {
  try {
    return signalNumber(signal);
  } catch {
    throw new OciFailure(`unknown signal ${JSON.stringify(signal)}`);
  }
}

/** False when it is gone. */
function send(pid: number, number: number): boolean {
  try {
    process.kill(pid, number);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw thrown;
  }
}
