/**
 * Finds programs of the machine that an ordinary user's containers need. Comes in: a name. Goes out: an absolute path that only root could have put there.
 * Called when the facts of the machine are read.
 */
import { realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** Where distributions put them, should PATH be empty or short. */
const USUAL = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/sbin', '/sbin'];

/** A folder of the user's own in PATH must not lend a stranger's program our name. */
export function trustedProgram(name: string, { PATH = '' }: NodeJS.ProcessEnv = process.env): string | undefined {
  const folders = [...PATH.split(delimiter).filter((folder) => folder.startsWith('/')), ...USUAL];
  return folders.map((folder) => join(folder, name)).find(isTrusted);
}

function isTrusted(path: string): boolean {
  try {
    const real = realpathSync(path);
    return statSync(real).isFile() && isRoots(real) && [path, real].every((each) => isRoots(dirname(each)));
  } catch {
    return false;
  }
}

function isRoots(path: string): boolean {
  const { uid, mode } = statSync(path);
  return uid === 0 && (mode & 0o022) === 0;
}
