/**
 * To a running kernel. Comes in: the path of a socket. Goes out: a link after its handshake. Called by the SDK and the CLI; on
 * the path of every `core ps`, so it imports next to nothing.
 */
import { connect, type Socket } from 'node:net';
import { CoreError } from '../errors/index.js';
import { withAddress } from './address.js';
import { createLink, type Link, type LinkOptions } from './link.js';

export interface DialOptions extends Omit<LinkOptions, 'authorize'> {
  readonly path: string;
  readonly signal?: AbortSignal | undefined;
  /** The link keeps no process alive. Default false. */
  readonly background?: boolean | undefined;
}

/**
 * Rejects with `E_UNREACHABLE` when nothing answers, with `E_REFUSED` when the socket or the other end does not let us in,
 * `E_PROTOCOL` when it speaks another version, `E_ABORTED`.
 */
export async function dial({ path, signal, background = false, ...options }: DialOptions): Promise<Link> {
  if (signal?.aborted) throw aborted(path, signal);
  const socket = await withAddress(path, (address) => open(path, address));
  const link = createLink(socket, options);
  const onAbort = (): void => void link.close();
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  try {
    await link.handshake();
    if (background) socket.unref();
    return link;
  } catch (error) {
    await link.close();
    throw signal?.aborted ? aborted(path, signal) : error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

/** A connection to a unix socket is there at once or not at all. */
export function open(path: string, address: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: address });
    const onError = (error: NodeJS.ErrnoException): void => reject(unreachable(path, error));
    socket.once('error', onError);
    socket.once('connect', () => {
      socket.off('error', onError);
      resolve(socket);
    });
  });
}

function unreachable(path: string, error: NodeJS.ErrnoException): CoreError {
  const object = { kind: 'socket', id: path };
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return new CoreError('E_REFUSED', { message: `${path} may not be opened by this user`, object, errno: error.code, cause: error });
  }
  const why = error.code === 'ENOENT' ? 'there is no such socket' : 'nobody listens there';
  return new CoreError('E_UNREACHABLE', { message: `${path}: ${why}`, object, errno: error.code, cause: error });
}

function aborted(path: string, signal: AbortSignal): CoreError {
  return new CoreError('E_ABORTED', { message: `dialling ${path} was aborted`, cause: signal.reason });
}
