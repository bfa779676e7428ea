/** The files of one rotated log, by identity rather than name, as names move on under the reader. Called by `reader.ts`. */
import { open, stat, type FileHandle } from 'node:fs/promises';

export interface LogFile {
  readonly handle: FileHandle;
  readonly inode: number;
}

/** From the oldest to the live one. Opened from the live one back, so a rotation in between shows a file twice, never not at all. */
export async function openAll(path: string, maxFiles: number): Promise<LogFile[]> {
  const files: LogFile[] = [];
  for (const name of names(path, maxFiles)) {
    const file = await openFile(name);
    if (!file) continue;
    if (files.some(({ inode }) => inode === file.inode)) await file.handle.close();
    else files.unshift(file);
  }
  return files;
}

/** The file written after `current`, once the log has been rotated; `undefined` while `current` is the live one. */
export async function successor(path: string, { current, maxFiles }: { readonly current: LogFile; readonly maxFiles: number }): Promise<LogFile | undefined> {
  for (;;) {
    const all = names(path, maxFiles);
    const inodes = await steadyInodes(all);
    const at = inodes.indexOf(current.inode);
    if (at === 0 || inodes.every((inode) => inode === undefined)) return undefined;
    // Rotated out altogether: the oldest there is comes next.
    const index = at < 0 ? lastKnown(inodes) : at - 1;
    const wanted = inodes[index];
    if (wanted === undefined) return undefined;
    const file = await openFile(all[index] as string);
    if (file?.inode === wanted) return file;
    // It moved on between the look and the opening.
    await file?.handle.close();
  }
}

function names(path: string, maxFiles: number): string[] {
  return Array.from({ length: maxFiles }, (_, index) => (index === 0 ? path : `${path}.${index}`));
}

/** As they were at one moment: a rotation between two looks would put one file under two names, or under none. */
async function steadyInodes(paths: readonly string[]): Promise<ReadonlyArray<number | undefined>> {
  const look = (): Promise<Array<number | undefined>> => Promise.all(paths.map(inodeOf));
  for (let last = await look(); ; ) {
    const now = await look();
    if (now.every((inode, index) => inode === last[index])) return now;
    last = now;
  }
}

async function inodeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(ignoreMissing))?.ino;
}

async function openFile(path: string): Promise<LogFile | undefined> {
  const handle = await open(path, 'r').catch(ignoreMissing);
  return handle && { handle, inode: (await handle.stat()).ino };
}

function ignoreMissing(thrown: NodeJS.ErrnoException): undefined {
  if (thrown.code === 'ENOENT') return undefined;
  throw thrown;
}

function lastKnown(inodes: readonly (number | undefined)[]): number {
  return inodes.reduce<number>((last, inode, index) => (inode === undefined ? last : index), -1);
}
