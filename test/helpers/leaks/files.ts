/** Files. Comes in: the test's folders and what may stay in them. Goes out: every other path below them. Called by the oracle. */
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Scope, Things } from './oracle.js';

export function files(scope: Scope): Things {
  const found = new Map<string, string>();
  for (const folder of scope.folders) {
    for (const path of below(folder)) if (!scope.mayStay?.(relative(folder, path))) found.set(path, '');
  }
  return found;
}

function below(folder: string): string[] {
  return list(folder).flatMap((name) => {
    const isFolder = name.endsWith('/');
    const path = join(folder, isFolder ? name.slice(0, -1) : name);
    return isFolder ? [path, ...below(path)] : [path];
  });
}

/** Names, those of folders with a slash behind; empty when it is gone. */
function list(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
  } catch {
    return [];
  }
}
