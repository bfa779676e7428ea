/** `core-oci kill`: a signal to the first process, or to all there are. Called by `program.ts`. */
import { signalNumber } from '../signals.js';
import { OciFailure } from './failure.js';
import type { Globals } from './globals.js';
import { memberFolder, processesIn } from './groups.js';
import { load, statusOf } from './state.js';

export function kill(globals: Globals, id: string, { signal, all }: { readonly signal: string; readonly all: boolean }): void {
  const container = load(globals.root, id);
  const number = numberOf(signal);
  const { groups, pid } = container.record;
  if (all) {
    const folder = memberFolder(groups);
    for (const member of folder === undefined ? [pid] : processesIn(folder)) send(member, number);
    return;
  }
  if (statusOf(container) === 'stopped' || !send(pid, number)) throw new OciFailure('container not running');
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
