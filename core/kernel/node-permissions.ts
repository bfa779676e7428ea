/**
 * The flags that hold an isolated plugin to its permissions. Comes in: the permissions and where the code lies. Goes out: flags
 * of Node's permission model. Called by `isolate.ts`.
 *
 * What holds, and what does not. Files: reading is open below the code's own packages and the folders of `fs:`, writing below
 * those of `fs:` alone. Programs: only with `exec`, and what is started then is not held by anything here. Native addons and
 * workers: none. Network: Node before 25 has no such permission, so `net:` holds back nobody there. Node itself says that the
 * model keeps honest code honest and is no boundary against hostile code; neither do we sell it as one.
 */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { grantedFolders } from './permissions.js';

export interface ConfinedCode {
  /** The host script, ours. */
  readonly script: string;
  /** The plugin's module. */
  readonly module: string;
  readonly permissions: readonly string[];
}

export function permissionFlags({ script, module, permissions }: ConfinedCode): string[] {
  const known = process.allowedNodeEnvironmentFlags;
  const model = known.has('--permission') ? ['--permission'] : ['--experimental-permission', '--disable-warning=ExperimentalWarning', '--disable-warning=SecurityWarning'];
  const folders = grantedFolders(permissions).map(below);
  const code = [...new Set([...codeFolders(script), ...codeFolders(module)])].map(below);
  return [
    ...model,
    ...[...code, ...folders].map((path) => `--allow-fs-read=${path}`),
    ...folders.map((path) => `--allow-fs-write=${path}`),
    ...(permissions.includes('exec') ? ['--allow-child-process'] : []),
    ...(known.has('--allow-net') && permissions.some((permission) => permission.startsWith('net:')) ? ['--allow-net'] : []),
  ];
}

/** A module's package, and every `node_modules` in which its imports may be found. Links are followed: Node loads the real files. */
function codeFolders(file: string): string[] {
  const real = realpathSync(file);
  const folders: string[] = [];
  let packageFound = false;
  for (let folder = dirname(real); folder !== dirname(folder); folder = dirname(folder)) {
    if (!packageFound && existsSync(join(folder, 'package.json'))) {
      folders.push(folder);
      packageFound = true;
    }
    const modules = join(folder, 'node_modules');
    if (existsSync(modules)) folders.push(modules);
  }
  return packageFound ? folders : [dirname(real), ...folders];
}

function below(folder: string): string {
  return folder === sep ? `${sep}*` : `${folder}${sep}*`;
}
