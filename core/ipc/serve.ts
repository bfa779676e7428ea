/**
 * Contracts on a unix socket. Comes in: a path and exports. Goes out: a server that makes one link per client. Called by the
 * kernel when it is served.
 *
 * Who may connect is decided by the file system alone: the socket is 0600, and so only its owner and root reach it (Node offers
 * no peer credentials). It is made inside a fresh 0700 folder, and linked to its name only when it is complete: no instant
 * exists at which another user could connect.
 */
import { chmod, link as hardLink, mkdir, mkdtemp, readdir, rm, stat, unlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { CoreError, isCoreError } from '../errors/index.js';
import { withAddress } from './address.js';
import { open } from './dial.js';
import { createLink, type Link, type LinkOptions } from './link.js';

/** Folders in which sockets come to be; the pid of their server follows. */
const NURSERY = '.core-';

export interface ServeOptions extends LinkOptions {
  readonly path: string;
  /** Clients at a time; one more is turned away. Default 1024. */
  readonly maxLinks?: number | undefined;
  /** Clients alone keep the process alive, waiting for them does not. Default false. */
  readonly background?: boolean | undefined;
  /** Called when a client's handshake is over, for logs. */
  readonly onLink?: ((link: Link) => void) | undefined;
}

export interface LinkServer {
  readonly path: string;
  /** Links that are open now. */
  readonly links: number;
  /** Takes no more clients, removes the socket, closes every link. */
  close(): Promise<void>;
}

/**
 * Folders on the way are made, 0700. A socket file left by a dead server is replaced; one that somebody answers on is not:
 * `E_BUSY`. `E_INVALID` when the folder can be written by strangers.
 */
export async function serve({ path, maxLinks = 1024, background = false, onLink, ...options }: ServeOptions): Promise<LinkServer> {
  const links = new Set<Link>();
  const server = createServer((socket) => {
    if (links.size >= maxLinks) return socket.destroy();
    return void welcome(socket);
  });
  await prepareFolder(dirname(path));
  await bind(server, path);
  if (background) server.unref();
  const inode = (await stat(path)).ino;
  let closing: Promise<void> | undefined;

  async function welcome(socket: Socket): Promise<void> {
    const link = createLink(socket, options);
    links.add(link);
    void link.closed.then(() => links.delete(link));
    await link.handshake().then(() => onLink?.(link), () => undefined);
  }

  async function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await removeOwn(path, inode);
    await Promise.all([...links].map((link) => link.close()));
    await closed;
  }

  return {
    path,
    get links() {
      return links.size;
    },
    close: () => (closing ??= close()),
  };
}

async function prepareFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { mode } = await stat(folder);
  const strangersWrite = (mode & 0o022) !== 0 && (mode & 0o1000) === 0;
  if (strangersWrite) {
    throw new CoreError('E_INVALID', {
      message: `${folder} can be written by other users, so they could replace the socket`,
      object: { kind: 'folder', id: folder },
      hint: `chmod go-w ${folder}`,
    });
  }
}

async function bind(server: Server, path: string): Promise<void> {
  await removeLeft(dirname(path));
  const nursery = await mkdtemp(join(dirname(path), `${NURSERY}${process.pid}-`));
  const born = join(nursery, 's');
  try {
    await withAddress(born, (address) => listen(server, address));
    await chmod(born, 0o600);
    await publish(born, path);
  } catch (error) {
    server.close();
    throw error;
  } finally {
    await rm(nursery, { recursive: true, force: true });
  }
}

/** Of servers that were killed in the instant between birth and publication. */
async function removeLeft(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = name.startsWith(NURSERY) ? Number(name.slice(NURSERY.length).split('-')[0]) : 0;
    if (pid > 0 && !isRunning(pid)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function listen(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path: address }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A hard link, unlike a rename, never takes the place of a socket that lives. */
async function publish(born: string, path: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await hardLink(born, path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === 3) throw error;
    }
    if (await answers(path)) throw new CoreError('E_BUSY', { message: `somebody serves ${path} already`, object: { kind: 'socket', id: path } });
    await unlink(path).catch(ignoreMissing);
  }
}

async function answers(path: string): Promise<boolean> {
  const { isSocket } = await stat(path).then((found) => ({ isSocket: found.isSocket() }), () => ({ isSocket: true }));
  if (!isSocket) throw new CoreError('E_EXISTS', { message: `${path} exists and is no socket`, object: { kind: 'socket', id: path } });
  try {
    (await withAddress(path, (address) => open(path, address))).destroy();
    return true;
  } catch (error) {
    // One we may not open is somebody's all the same.
    return isCoreError(error, 'E_REFUSED');
  }
}

/** The name may belong to a later server by now. */
async function removeOwn(path: string, inode: number): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.ino === inode) await unlink(path).catch(ignoreMissing);
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
