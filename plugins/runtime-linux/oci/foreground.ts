/** Stays with an executor that stays with its process: signals go on to it, its end comes back. Called by `run.ts` and `exec.ts`. */
import type { Asked } from './once.js';

/** What a caller may send; the size of a terminal the executor sees by itself. Not SIGPIPE: Node ignores it only until a listener has come and gone. */
const HANDED_ON: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGALRM'];

export async function foreground({ ended, signal }: Asked): Promise<number> {
  for (const name of HANDED_ON) process.on(name, signal);
  try {
    return await ended;
  } finally {
    for (const name of HANDED_ON) process.off(name, signal);
  }
}
