/** `core-oci list`: every container of the root. Called by `program.ts`. */
import type { Globals } from './globals.js';
import { print } from './print.js';
import { ids, load, statusOf, type Container } from './state.js';

export interface ListOptions {
  readonly format: 'table' | 'json';
  readonly quiet: boolean;
}

const HEAD = ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'] as const;

export function list({ root }: Globals, { format, quiet }: ListOptions): void {
  const containers = ids(root).flatMap((id) => loadIfThere(root, id));
  if (quiet) return print(containers.map(({ record }) => `${record.id}\n`).join(''));
  if (format === 'json') return print(`${JSON.stringify(containers.map(entry))}\n`);
  print(table([HEAD, ...containers.map((container) => Object.values(rowOf(container)))]));
}

/** Another command may delete it meanwhile. */
function loadIfThere(root: string, id: string): Container[] {
  try {
    return [load(root, id)];
  } catch {
    return [];
  }
}

function rowOf(container: Container): Record<string, string> {
  const { id, pid, bundle, created } = container.record;
  const status = statusOf(container);
  return { id, pid: status === 'stopped' ? '0' : String(pid), status, bundle, created, owner: 'root' };
}

function entry(container: Container): Record<string, unknown> {
  const { config, rootfs } = container.record;
  const { pid, ...row } = rowOf(container);
  return { ociVersion: config.ociVersion, ...row, pid: Number(pid), rootfs, ...(config.annotations && { annotations: config.annotations }) };
}

export function table(rows: readonly (readonly string[])[]): string {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd((widths[column] as number) + 3)).join('').trimEnd()}\n`).join('');
}
