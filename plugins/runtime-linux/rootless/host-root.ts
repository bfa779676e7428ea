/**
 * The machine's root as an ordinary user can have it. Comes in: the machine's mount points. Goes out: pieces that together make a root. Called when the facts of the
 * machine are read; `plan/host-root.ts` makes steps of them.
 *
 * In a user namespace the kernel keeps together what is mounted on top of each other, lest something covered shows; so no overlay can be laid over `/`. It can be over
 * a folder below which nothing is mounted, and where something is, over that folder's folders.
 */
import { accessSync, constants, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { mountPoints } from '../cgroup/layout.js';

export type Piece =
  | { readonly kind: 'overlay' | 'empty'; readonly path: string; readonly mode: number }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'file'; readonly path: string };

/** Of the system itself, though it may lie on a file system of its own. Whatever else is mounted is left out, as in root's containers. */
const SYSTEM = new Set(['/usr', '/etc', '/var', '/opt', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']);

/** Each takes a mount, of which a plan has a bounded number. */
const MOST_PIECES = 128;

/** Synchronous: boot only. */
export function hostRoot(): Piece[] {
  return piecesOf('/', mountPoints(readFileSync('/proc/self/mountinfo', 'utf8')));
}

/** Parents before what is in them. `mounts` are paths below `top`, as all of the pieces' are. */
export function piecesOf(top: string, mounts: readonly string[]): Piece[] {
  const pieces: Piece[] = [];
  const folders = ['/'];
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    const names = readdirSync(join(top, folder));
    // What does not fit stays the empty folder it was announced as.
    if (pieces.length + names.length > MOST_PIECES) continue;
    for (const name of names.sort()) {
      const path = join(folder, name);
      const piece = pieceOf(top, path, mounts);
      if (piece) pieces.push(piece);
      if (piece?.kind === 'empty' && !mounts.includes(path) && isReadable(join(top, path))) folders.push(path);
    }
  }
  return pieces;
}

function pieceOf(top: string, path: string, mounts: readonly string[]): Piece | undefined {
  const place = join(top, path);
  const found = lstatSync(place, { throwIfNoEntry: false });
  if (found?.isSymbolicLink()) return { kind: 'link', path, target: readlinkSync(place) };
  if (found?.isFile()) return isReadable(place, constants.R_OK) && !mounts.includes(path) ? { kind: 'file', path } : undefined;
  if (!found?.isDirectory()) return undefined;
  const isSplit = mounts.some((mount) => mount.startsWith(`${path}/`));
  const isHidden = mounts.includes(path) && !SYSTEM.has(path);
  return { kind: isSplit || isHidden || !isReadable(place) ? 'empty' : 'overlay', path, mode: found.mode & 0o1777 };
}

function isReadable(path: string, mode = constants.R_OK | constants.X_OK): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
