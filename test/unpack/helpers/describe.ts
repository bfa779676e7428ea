/** A tree in words, to compare it with another. Comes in: a folder. Goes out: every file's kind, content, owner, mode, time, links, device and attributes. Called by the tests of layers. */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { attributes } from './unpacker.js';

/** Everything about every file, by its path; hard links by the first path of the same inode. */
export function describe(root: string): Record<string, Readonly<Record<string, unknown>>> {
  const first = new Map<number, string>();
  const found: Record<string, Readonly<Record<string, unknown>>> = {};
  const walk = (path: string): void => {
    const full = join(root, path);
    const { mode, uid, gid, size, mtimeNs, rdev, ino } = lstatSync(full, { bigint: true });
    const kind = Number(mode) & 0o170000;
    const folder = kind === 0o040000;
    const same = first.get(Number(ino));
    first.set(Number(ino), same ?? path);
    found[path] = {
      mode: Number(mode).toString(8), uid, gid, rdev, time: mtimeNs, attributes: kind === 0o120000 ? {} : attributes(full), ...(same !== undefined && !folder && { same }),
      ...(kind === 0o100000 && { size, hash: createHash('sha256').update(readFileSync(full)).digest('hex') }),
      ...(kind === 0o120000 && { link: readlinkSync(full) }),
    };
    if (folder) for (const name of readdirSync(full).sort()) walk(join(path, name));
  };
  walk('.');
  return found;
}
