/** Comes in: the environment, or a path. Goes out: a link to the kernel that serves there. Used by every command that talks to a kernel. */
import { defaultPlaces, socketIn } from '../config/places.js';
import { CoreError, isCoreError } from '../errors/index.js';
import type { Link } from '../ipc/index.js';

/** `CORE_SOCK` (a path), `CORE_HOST` (`unix:///path`), else the machine's own kernel, or for other users than root their own. */
export function defaultSocket(env: NodeJS.ProcessEnv): string {
  if (env['CORE_SOCK']) return env['CORE_SOCK'];
  return env['CORE_HOST'] ? fromUrl(env['CORE_HOST']) : socketIn(defaultPlaces(env).runRoot);
}

export async function openLink(path: string): Promise<Link> {
  const { dial } = await import('../ipc/dial.js');
  try {
    return await dial({ path });
  } catch (error) {
    if (!isCoreError(error, 'E_UNREACHABLE')) throw error;
    throw new CoreError('E_UNREACHABLE', {
      message: `no kernel answers at ${path}`,
      object: { kind: 'socket', id: path },
      hint: 'Start one with `core run PLUGIN-SET` that says "serve": true, or name its socket with --socket or CORE_SOCK.',
      cause: error,
    });
  }
}

function fromUrl(url: string): string {
  if (url.startsWith('unix://')) return url.slice('unix://'.length);
  throw new CoreError('E_INVALID', { message: `CORE_HOST is ${url}`, hint: 'Write unix:///path/of/core.sock.' });
}
