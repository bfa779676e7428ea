/**
 * Unix socket paths of any length. Comes in: a path. Goes out: one that fits into `sockaddr_un`, for as long as a callback
 * needs it. Called by `serve.ts` and `dial.ts`.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** `sun_path` has 108 bytes, one of them for the zero at the end. */
const MAX_PATH = 107;

/** A longer path is named through an fd of its folder. */
export async function withAddress<T>(path: string, use: (address: string) => Promise<T>): Promise<T> {
  if (Buffer.byteLength(path) <= MAX_PATH) return use(path);
  const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return await use(`/proc/self/fd/${folder}/${basename(path)}`);
  } finally {
    closeSync(folder);
  }
}
