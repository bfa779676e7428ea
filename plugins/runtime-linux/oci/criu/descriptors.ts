/**
 * The descriptors 0, 1 and 2 of a container that its maker holds the other ends of. Comes in: a process, or what was kept of it beside
 * the images. Goes out: CRIU's names for them. Called by `checkpoint.ts` and `restore.ts`.
 */
import { readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OciFailure } from '../failure.js';
import { OWN } from './run.js';

/** By descriptor: the name under which a restore hands a new one over; `''` for what is the container's own. */
export type Descriptors = readonly [string, string, string];

const FILE = 'descriptors.json';

export function describe(pid: number): Descriptors {
  return [0, 1, 2].map((fd) => name(pid, fd)) as unknown as Descriptors;
}

function name(pid: number, fd: number): string {
  const link = targetOf(`/proc/${pid}/fd/${fd}`);
  if (/^pipe:\[[0-9]+\]$/.test(link)) return link;
  if (!link.startsWith('/')) return '';
  const mount = /^mnt_id:\s*([0-9]+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';
  // A file of one of its own mounts is its own.
  if (new RegExp(`^${mount} `, 'm').test(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'))) return '';
  return `file[${Number(mount).toString(16)}:${statSync(`/proc/${pid}/fd/${fd}`).ino.toString(16)}]`;
}

function targetOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** What a dump must be told not to follow; pipes to the outside it knows by itself. */
export function externalFiles(descriptors: Descriptors): string[] {
  return [...new Set(descriptors)].filter((text) => text.startsWith('file['));
}

export function keep(folder: string, descriptors: Descriptors): void {
  writeFileSync(join(folder, FILE), JSON.stringify(descriptors));
}

/** Throws OciFailure when there are none: the folder is no image of a container then. */
export function kept(folder: string): Descriptors {
  try {
    return JSON.parse(readFileSync(join(folder, FILE), 'utf8')) as Descriptors;
  } catch (thrown) {
    throw new OciFailure(`cannot read the checkpoint in ${folder}: ${(thrown as Error).message}`);
  }
}

/** Our own 0, 1 and 2 in the place of those, as `runCriu` hands them on. */
export function inherited(descriptors: Descriptors): { readonly fd: number; readonly resource: string }[] {
  return descriptors.flatMap((text, fd) => (/^(?:pipe:|file\[)/.test(text) ? [{ fd: OWN + fd, resource: text }] : []));
}
