/** `core-oci ps`: the processes of a container, by the machine's pids; as a table by the machine's own `ps`. Called by `program.ts`. */
import { execFileSync } from 'node:child_process';
import { OciFailure } from './failure.js';
import type { Globals } from './globals.js';
import { memberFolder, processesIn } from './groups.js';
import { print } from './print.js';
import { isAlive, load, type ContainerRecord } from './state.js';

export interface PsOptions {
  readonly format: 'table' | 'json';
}

export function ps({ root }: Globals, id: string, { format, args }: PsOptions & { readonly args: readonly string[] }): void {
  const pids = membersOf(load(root, id).record);
  if (format === 'json') return print(`${JSON.stringify(pids)}\n`);
  const text = execFileSync('ps', args.length > 0 ? [...args] : ['-ef'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  print(`${rowsOf(text, new Set(pids)).join('\n')}\n`);
}

function membersOf(record: ContainerRecord): number[] {
  const folder = memberFolder(record.groups);
  if (folder !== undefined) return processesIn(folder);
  return isAlive(record) ? [record.pid] : [];
}

/** The head, and the lines whose PID column names one of them. */
export function rowsOf(text: string, pids: ReadonlySet<number>): string[] {
  const [head = '', ...lines] = text.split('\n');
  const column = head.trim().split(/\s+/).indexOf('PID');
  if (column < 0) throw new OciFailure("couldn't find PID field in ps output");
  return [head, ...lines.filter((line) => pids.has(Number(line.trim().split(/\s+/)[column])))];
}
