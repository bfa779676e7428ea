/**
 * Runs Node as an ordinary user. Comes in: the tree and arguments. Goes out: the program, arguments and environment to spawn it with, and what takes its folders and
 * groups away. Called by test.mjs.
 *
 * Whoever is not root runs it as himself. Root becomes a user who has subordinate ids, a home and a run folder, in a mount namespace where the machine's files say so,
 * and in a network namespace with a link that leads nowhere. `delegated`: with groups of his own in every hierarchy of the machine.
 */
import { mkdtempSync, chmodSync, existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

export function asOrdinaryUser(tree, args, { delegated = false } = {}) {
  if (process.getuid() !== 0) return { program: process.execPath, args, env: {}, done: () => {} };
  const folder = mkdtempSync(join(tmpdir(), 'core-user-'));
  chmodSync(folder, 0o711);
  const script = join(import.meta.dirname, 'ordinary-user.sh');
  const group = basename(folder);
  return {
    program: 'unshare',
    args: ['--mount', '--net', '--propagation', 'private', 'sh', script, folder, tree, process.execPath, ...args],
    env: delegated ? { DELEGATED: group } : {},
    done: () => {
      rmSync(folder, { recursive: true, force: true });
      for (const place of ['', ...readdirSync('/sys/fs/cgroup')]) removeGroup(join('/sys/fs/cgroup', place, group));
    },
  };
}

/** With the groups the user has made in it; what still has processes stays, and is seen. */
function removeGroup(group) {
  if (!existsSync(group)) return;
  for (const entry of readdirSync(group, { withFileTypes: true })) if (entry.isDirectory()) removeGroup(join(group, entry.name));
  rmdirSync(group);
}
