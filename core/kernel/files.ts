/**
 * `ctx.fs`. Comes in: paths of a plugin. Goes out: file operations, but only below the folders its permissions name. It keeps
 * honest code honest; a plugin that is not trusted belongs in a box (`isolation: "sandbox"`), where the mounts decide.
 */
import { mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { grantedFolders, isWithin, permissionError } from './permissions.js';

/** All paths absolute. Every method throws `E_PERMISSION` for what lies outside, symbolic links followed. */
export interface ScopedFiles {
  readFile(path: string): Promise<Uint8Array>;
  /** Complete or not at all: written beside it, then renamed. */
  writeFile(path: string, data: string | Uint8Array): Promise<void>;
  mkdir(path: string): Promise<void>;
  readdir(path: string): Promise<string[]>;
  stat(path: string): Promise<Stats>;
  rename(from: string, to: string): Promise<void>;
  /** Whole trees too; what is not there is no error. */
  rm(path: string): Promise<void>;
}

export function scopedFiles(plugin: string, permissions: readonly string[]): ScopedFiles {
  const granted = async (path: string): Promise<string> => {
    const real = await realParent(resolve(path));
    // A granted folder may itself be reached by a link (/var/run), and may not be there yet.
    const folders = await Promise.all(grantedFolders(permissions).map((folder) => realPath(folder)));
    if (!folders.some((folder) => isWithin(real, folder))) throw permissionError(plugin, `fs:${real}`);
    return real;
  };
  // Reading follows a link at the end of the path too, so it is checked where it leads.
  const target = async (path: string): Promise<string> => granted(await realpath(await granted(path)));
  return Object.freeze({
    readFile: async (path: string) => readFile(await target(path)),
    writeFile: async (path: string, data: string | Uint8Array) => replaceFile(await granted(path), data),
    mkdir: async (path: string) => void (await mkdir(await granted(path), { recursive: true })),
    readdir: async (path: string) => readdir(await target(path)),
    stat: async (path: string) => stat(await target(path)),
    rename: async (from: string, to: string) => rename(await granted(from), await granted(to)),
    rm: async (path: string) => rm(await granted(path), { recursive: true, force: true }),
  });
}

/** The path with every link in its folders followed; folders that do not exist yet stay as written. */
async function realParent(path: string): Promise<string> {
  const folder = dirname(path);
  if (folder === path) return path;
  try {
    return join(await realpath(folder), basename(path));
  } catch {
    return join(await realParent(folder), basename(path));
  }
}

async function realPath(path: string): Promise<string> {
  return dirname(await realParent(join(path, 'inside')));
}

async function replaceFile(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`;
  try {
    await writeFile(temporary, data, { flag: 'wx' });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
