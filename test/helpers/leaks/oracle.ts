/**
 * The leak oracle. Comes in: what belongs to the test (its folders, its processes). Goes out: everything that exists now and
 * did not before, by kind. Called by `e2e()` around every test with real containers, and by the crash rounds.
 *
 * It looks at the machine, never at what the engine believes: /proc, mountinfo, cgroup folders, netlink, the file system.
 */
import { handles } from './handles.js';
import { cgroups, links, mounts, netTables } from './kernel-objects.js';
import { netNamespaces } from './namespaces.js';
import { processes } from './processes.js';
import { files } from './files.js';

export type Kind = 'process' | 'mount' | 'cgroup' | 'netns' | 'link' | 'nft table' | 'file' | 'handle';

/** Name of a thing -> what a reader needs to know about it. The same thing has the same name in two looks. */
export type Things = ReadonlyMap<string, string>;

export type Snapshot = ReadonlyMap<Kind, Things>;

export interface Scope {
  /** Folders that belong to the test alone: a process that names one of them on its command line is the test's, and so is every file below. */
  readonly folders: readonly string[];
  /** Files that may stay: paths below one of `folders`, relative to it. */
  readonly mayStay?: ((path: string) => boolean) | undefined;
  /** Which groups to look at, by path. Default all but systemd's; on a machine where others run containers, those of the test. */
  readonly cgroup?: ((path: string) => boolean) | undefined;
  /** Kinds not to look at. */
  readonly except?: readonly Kind[] | undefined;
}

export interface Leak {
  readonly kind: Kind;
  readonly name: string;
  readonly about: string;
}

const looks: ReadonlyArray<readonly [Kind, (scope: Scope) => Things]> = [
  ['process', processes],
  ['mount', mounts],
  ['cgroup', cgroups],
  ['netns', netNamespaces],
  ['link', links],
  ['nft table', netTables],
  ['file', files],
  ['handle', handles],
];

export function snapshot(scope: Scope): Snapshot {
  return new Map(looks.filter(([kind]) => !scope.except?.includes(kind)).map(([kind, look]) => [kind, look(scope)]));
}

export function difference(before: Snapshot, after: Snapshot): Leak[] {
  return [...after].flatMap(([kind, things]) =>
    [...things].filter(([name]) => !before.get(kind)?.has(name)).map(([name, about]) => ({ kind, name, about })),
  );
}

export function report(leaks: readonly Leak[]): string {
  return leaks.map(({ kind, name, about }) => `  ${kind.padEnd(9)} ${name}${about && `\n            ${about}`}`).join('\n');
}

/**
 * What is left once nothing more goes away. Freeing may go on behind an answer (the kernel removes a namespace when its last
 * user ends, trees are removed by a worker): a thing counts as leaked when it is still there after `within` ms. Default 5000.
 */
export async function leaksSince(before: Snapshot, scope: Scope, within = 5000): Promise<Leak[]> {
  const end = Date.now() + within;
  for (;;) {
    const leaks = difference(before, snapshot(scope));
    if (leaks.length === 0 || Date.now() > end) return leaks;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
