/** Namespaces that a container was given instead of new ones. Comes in: its configuration. Goes out: CRIU's names for them. Called by `checkpoint.ts` and `restore.ts`. */
import { statSync } from 'node:fs';
import type { Oci } from '@core/core/plugin';

export interface JoinedNamespace {
  /** For a dump: which one it is. */
  readonly resource: string;
  /** For a restore: what stands for it. */
  readonly name: string;
  readonly path: string;
}

/** CRIU can be handed these two. */
const NAMES: Readonly<Partial<Record<Oci.NamespaceType, readonly [kind: string, name: string]>>> = { network: ['net', 'extRootNetNS'], pid: ['pid', 'extRootPidNS'] };

export function joinedNamespaces({ linux }: Oci.Spec, pid?: number): JoinedNamespace[] {
  return (linux?.namespaces ?? []).flatMap(({ type, path }) => {
    const [kind, name] = NAMES[type] ?? [];
    if (path === undefined || kind === undefined || name === undefined) return [];
    const inode = statSync(pid === undefined ? path : `/proc/${pid}/ns/${kind}`).ino;
    return [{ resource: `${kind}[${inode}]:${name}`, name, path }];
  });
}
