/**
 * Where a kernel keeps its things unless it is told. Comes in: the environment. Goes out: the folder that lasts and the one for
 * sockets. Called by `createKernel` and `attach`.
 */
import { lstatSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CoreError } from '../errors/index.js';

export interface Places {
  /** State, images, layers, logs. */
  readonly root: string;
  /** Sockets, and what may go at a reboot. */
  readonly runRoot: string;
}

/** The machine's own for root; for everybody else the user's (XDG base directories). Throws as `ownRunRoot` does. */
export function defaultPlaces({ XDG_DATA_HOME, XDG_RUNTIME_DIR }: NodeJS.ProcessEnv = process.env, uid = process.getuid?.() ?? 0): Places {
  if (uid === 0) return { root: '/var/lib/core', runRoot: '/run/core' };
  return { root: join(XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'core'), runRoot: XDG_RUNTIME_DIR ? join(XDG_RUNTIME_DIR, 'core') : ownRunRoot('/tmp', uid) };
}

/**
 * For a user whom no session has given a folder. In a folder where everybody may write, another user can have been there first, to be handed our sockets or to
 * answer in our place: so it is made by whoever asks first, client or kernel, and a folder that is not the user's alone is refused. Throws E_IO, E_REFUSED.
 */
export function ownRunRoot(above: string, uid: number): string {
  const folder = join(above, `core-${uid}`);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw new CoreError('E_IO', { message: `cannot make the run folder: ${message}`, errno: code, hint: 'Set XDG_RUNTIME_DIR to a folder of your own.', cause: thrown });
  }
  const found = lstatSync(folder);
  if (found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0) return folder;
  throw new CoreError('E_REFUSED', {
    message: `${folder} is not a folder of user ${uid} alone: somebody else may have made it`,
    hint: 'Remove it, or set XDG_RUNTIME_DIR to a folder of your own.',
  });
}

/** Of the kernel that serves there. */
export function socketIn(runRoot: string): string {
  return join(runRoot, 'core.sock');
}
