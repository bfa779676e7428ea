/** Which mounts of a container are the machine's. Comes in: its configuration and mount table. Goes out: where each is and what it is of. Called by `checkpoint.ts` and `restore.ts`. */
import type { Oci } from '@core/core/plugin';

export interface ExternalMount {
  /** In the container: CRIU's name for it too. */
  readonly target: string;
  /** On the machine. */
  readonly source: string;
}

interface TableEntry {
  readonly root: string;
  readonly target: string;
  readonly device: string;
  readonly fstype: string;
}

/** `table` is /proc/PID/mountinfo. Masks made of the machine's null device are among them, where the container has none of its own. */
export function externalMounts(config: Oci.Spec, table: string): ExternalMount[] {
  const entries = parse(table);
  const bound = bindMounts(config).map(({ target, source }) => ({ target: entries.some((entry) => entry.target === target) ? target : unresolved(target), source }));
  const own = new Set(entries.filter(({ root, fstype }) => root === '/' && fstype === 'tmpfs').map(({ device }) => device));
  const masks = entries.filter(({ root, device, target }) => root === '/null' && !own.has(device) && !bound.some((mount) => mount.target === target));
  return [...bound, ...masks.map(({ target }) => ({ target, source: '/dev/null' }))];
}

/** By the configuration alone: what a restore brings. */
export function bindMounts({ mounts = [] }: Oci.Spec): ExternalMount[] {
  return mounts.flatMap(({ destination, source, type, options = [] }) => (source !== undefined && (type === 'bind' || options.includes('bind') || options.includes('rbind')) ? [{ target: destination, source }] : []));
}

function unresolved(target: string): never {
  throw new Error(`the mount at ${target} is not found there: a path through a symbolic link cannot be told to CRIU`);
}

/** Mount points are written with octal escapes. */
function parse(table: string): TableEntry[] {
  return table.split('\n').filter(Boolean).map((line) => {
    const [, , device = '', root = '', target = ''] = line.split(' ');
    const [fstype = ''] = line.slice(line.indexOf(' - ') + 3).split(' ');
    return { device, root: unescape(root), target: unescape(target), fstype };
  });
}

function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
