/** Comes in: the environment, or a path. Goes out: a link to the kernel that serves there. Used by every command that talks to a kernel. */
import { join } from 'node:path';
import { CoreError, isCoreError } from '../errors/index.js';
import type { Link } from '../ipc/index.js';

/** `CORE_SOCK` (a path), `CORE_HOST` (`unix:///path`), else the machine's own kernel, or for other users than root their own. */
export function defaultSocket({ CORE_SOCK, CORE_HOST, XDG_RUNTIME_DIR }: NodeJS.ProcessEnv): string {
  if (CORE_SOCK) return CORE_SOCK;
  if (CORE_HOST) return fromUrl(CORE_HOST);
  return join(process.getuid?.() === 0 || !XDG_RUNTIME_DIR ? '/run' : XDG_RUNTIME_DIR, 'core', 'core.sock');
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
