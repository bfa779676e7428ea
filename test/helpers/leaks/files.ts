/** Files. Comes in: the test's folders and what may stay in them. Goes out: every other path below them, and what of ours lies in the shared temporary folders. Called by the oracle. */
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Scope, Things } from './oracle.js';

const SHARED = ['/tmp', '/dev/shm', '/run', '/var/run'];

export function files(scope: Scope): Things {
  const found = new Map<string, string>();
  for (const folder of scope.folders) {
    for (const path of below(folder)) if (!scope.mayStay?.(relative(folder, path))) found.set(path, '');
  }
  for (const folder of SHARED) {
    for (const name of list(folder)) if (/^\.?core([.-]|$)/.test(name)) found.set(join(folder, name), '');
  }
  return found;
}

function below(folder: string): string[] {
  return list(folder, true).flatMap((name) => {
    const isFolder = name.endsWith('/');
    const path = join(folder, isFolder ? name.slice(0, -1) : name);
    return isFolder ? [path, ...below(path)] : [path];
  });
}

function list(folder: string, mark = false): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).map((entry) => (mark && entry.isDirectory() ? `${entry.name}/` : entry.name));
  } catch {
    return [];
  }
}
