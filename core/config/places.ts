/**
 * Where a kernel keeps its things unless it is told. Comes in: the environment. Goes out: the folder that lasts and the one for
 * sockets. Called by `createKernel` and `attach`.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface Places {
  /** State, images, layers, logs. */
  readonly root: string;
  /** Sockets, and what may go at a reboot. */
  readonly runRoot: string;
}

/** The machine's own for root; for everybody else the user's (XDG base directories). */
export function defaultPlaces({ XDG_DATA_HOME, XDG_RUNTIME_DIR }: NodeJS.ProcessEnv = process.env): Places {
  if (process.getuid?.() === 0) return { root: '/var/lib/core', runRoot: '/run/core' };
  return { root: join(XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'core'), runRoot: join(XDG_RUNTIME_DIR || '/run', 'core') };
}

/** Of the kernel that serves there. */
export function socketIn(runRoot: string): string {
  return join(runRoot, 'core.sock');
}
