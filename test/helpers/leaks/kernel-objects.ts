/** Mounts, cgroups, links and nf_tables tables. Comes in: nothing but the machine. Goes out: each by a name that lasts. Called by the oracle. */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { findTool } from '../machine.js';
import type { Scope, Things } from './oracle.js';

export interface MountEntry {
  readonly point: string;
  readonly type: string;
  readonly source: string;
  /** Path inside the mounted file system; for a namespace file `net:[4026531840]`. */
  readonly root: string;
}

/** Of the namespace this process is in. Two mounts of the same thing on one point are told apart by their number. */
export function mounts(): Things {
  const seen = new Map<string, string>();
  for (const { point, type, source, root } of mountEntries()) {
    let name = `${point} (${type})`;
    for (let nth = 2; seen.has(name); nth++) name = `${point} (${type}, ${nth})`;
    seen.set(name, `${source} ${root}`);
  }
  return seen;
}

export function mountEntries(): MountEntry[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [left = '', right = ''] = line.split(' - ');
      const [, , , root = '', point = ''] = left.split(' ');
      const [type = '', source = ''] = right.split(' ');
      return { point: unescape(point), type, source: unescape(source), root: unescape(root) };
    });
}

/** Every group of every hierarchy, except those systemd names: it comes and goes as it likes. */
export function cgroups({ cgroup = () => true }: Pick<Scope, 'cgroup'> = {}): Things {
  const found = new Map<string, string>();
  for (const { point } of mountEntries().filter(({ type }) => type === 'cgroup' || type === 'cgroup2')) {
    for (const path of foldersBelow(point)) {
      if (!/\.(slice|scope|service|mount|socket|swap)$/.test(path) && cgroup(path)) found.set(path, `pids: ${pidsOf(path) || 'none'}`);
    }
  }
  return found;
}

export function links(): Things {
  return new Map(readdirSync('/sys/class/net').map((name) => [name, '']));
}

/** Empty where `nft` is not installed: without it there is no way to ask short of speaking netlink. */
export function netTables(): Things {
  const nft = findTool('nft');
  if (!nft || process.getuid?.() !== 0) return new Map();
  const { stdout } = spawnSync(nft, ['list', 'tables'], { encoding: 'utf8' });
  return new Map(stdout.split('\n').filter(Boolean).map((line) => [line, '']));
}

function foldersBelow(path: string): string[] {
  let entries;
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch {
    return []; // removed while we looked
  }
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(path, entry.name))
    .flatMap((child) => [child, ...foldersBelow(child)]);
}

function pidsOf(group: string): string {
  try {
    return readFileSync(join(group, 'cgroup.procs'), 'utf8').trim().replaceAll('\n', ' ');
  } catch {
    return '';
  }
}

function unescape(field: string): string {
  return field.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
