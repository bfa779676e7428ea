/** A unix socket by path, of any length. Called by `connection.ts`. */
import { open } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';

/** `sockaddr_un` holds 107 bytes and the closing zero. */
const MAX_SOCKET_PATH = 107;

/** Rejects with the system's own error (ENOENT, ECONNREFUSED). */
export async function connectUnix(path: string): Promise<Socket> {
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH) return connected(path);
  const folder = await open(dirname(path), 'r');
  try {
    return await connected(`/proc/self/fd/${folder.fd}/${basename(path)}`);
  } finally {
    await folder.close();
  }
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
