/** What this machine can do. Comes in: names of tools. Goes out: the reason why a test cannot run here, or nothing. Called where tests are declared. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

export interface Needs {
  readonly root?: boolean | undefined;
  /** Limits or pausing, for which an ordinary user wants groups of his own. */
  readonly cgroups?: boolean | undefined;
  /** Programs, by name. */
  readonly tools?: readonly string[] | undefined;
  /** Any other reason, found out by the test itself. */
  readonly unless?: string | undefined;
}

/** Why not, in words; undefined when all is there. */
export function lacks({ root = false, cgroups = false, tools = [], unless }: Needs): string | undefined {
  if (root && process.getuid?.() !== 0) return 'not root';
  if (cgroups && process.getuid?.() !== 0 && process.env['E2E_DELEGATED'] === undefined) return 'no cgroups are delegated to this user';
  const missing = tools.filter((tool) => !findTool(tool));
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  return unless;
}

/** The machine's own program of that name: npm puts `node_modules/.bin` first in PATH, and a package there is called `nft` too. */
export function findTool(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'].filter((folder) => !folder.includes('node_modules'));
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
