/**
 * Runs Node as an ordinary user. Comes in: the tree and arguments. Goes out: the program and arguments to spawn, and what takes its folders away. Called by test.mjs.
 *
 * Whoever is not root runs it as himself. Root becomes a user who has subordinate ids, a home and a run folder, in a mount namespace where the machine's files say so.
 */
import { mkdtempSync, chmodSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function asOrdinaryUser(tree, args) {
  if (process.getuid() !== 0) return { program: process.execPath, args, done: () => {} };
  const folder = mkdtempSync(join(tmpdir(), 'core-user-'));
  chmodSync(folder, 0o711);
  const script = join(import.meta.dirname, 'ordinary-user.sh');
  return {
    program: 'unshare',
    args: ['--mount', '--propagation', 'private', 'sh', script, folder, tree, process.execPath, ...args],
    done: () => rmSync(folder, { recursive: true, force: true }),
  };
}
