/** A container's folder `<root>/<id>`: its record comes in and goes out, its status is what the kernel says now. Called by every command. */
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { OciConfig } from './config.js';
import { doesNotExist, OciFailure } from './failure.js';

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

/** `state.json`. */
export interface ContainerRecord {
  readonly id: string;
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: a pid alone may be somebody else's by now. */
  readonly startTime: number;
  readonly bundle: string;
  readonly rootfs: string;
  /** ISO 8601. */
  readonly created: string;
  /** Absolute in cgroup terms. */
  readonly cgroup: string;
  /** The container's own folder in each hierarchy, v2 first. */
  readonly groups: readonly string[];
  /** Folders that were not there before, each before the one it is in. */
  readonly made: readonly string[];
  readonly config: OciConfig;
}

export interface Container {
  readonly folder: string;
  readonly record: ContainerRecord;
}

/** Where an engine of this machine that has the same run root lists them; an ordinary user's is below his own. */
export function defaultRoot({ XDG_RUNTIME_DIR }: NodeJS.ProcessEnv = process.env, uid = process.getuid?.() ?? 0): string {
  if (uid === 0) return '/run/core/oci';
  return XDG_RUNTIME_DIR ? join(XDG_RUNTIME_DIR, 'core', 'oci') : `/tmp/core-${uid}/oci`;
}

/** What `hold` waits at, and what it answers through. */
export const GO = 'go';
export const RESULT = 'result';

/** A name that begins with a dot is nobody's to list. */
const ID = /^[\w+-][\w+.-]*$/;

export function checkId(id: string): void {
  if (!ID.test(id) || id.length > 128) throw new OciFailure(`invalid container id format: ${id}`);
}

/** Reserves the id. */
export function claim(root: string, id: string): string {
  checkId(id);
  // What is above may be an engine's run folder, which others than root walk through.
  mkdirSync(dirname(root), { recursive: true, mode: 0o711 });
  checkShared(dirname(root));
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const folder = join(root, id);
  try {
    mkdirSync(folder, { mode: 0o711 });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') throw new OciFailure('container with given ID already exists');
    throw thrown;
  }
  return folder;
}

/** Below /tmp others may have been there first, to be handed what is ours. */
function checkShared(folder: string): void {
  const uid = process.getuid?.() ?? 0;
  if (folder !== `/tmp/core-${uid}`) return;
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o022) !== 0) throw new OciFailure(`${folder} is not a folder of user ${uid} alone`);
}

export function save(folder: string, record: ContainerRecord): void {
  writeWhole(join(folder, 'state.json'), JSON.stringify(record));
}

/** By rename: who reads it reads all of it. */
export function writeWhole(path: string, text: string, mode = 0o600): void {
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, text, { mode });
  renameSync(fresh, path);
}

export function forget(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

export function load(root: string, id: string): Container {
  checkId(id);
  const folder = join(root, id);
  try {
    return { folder, record: JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')) as ContainerRecord };
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') throw doesNotExist();
    throw thrown;
  }
}

export function ids(root: string): string[] {
  return existsSync(root) ? readdirSync(root).filter((id) => ID.test(id) && existsSync(join(root, id, 'state.json'))).sort() : [];
}

export function statusOf({ folder, record }: Container): Status {
  // Nobody is process 0: there is none yet, and if its maker was killed meanwhile there never will be.
  if (record.pid === 0) return 'creating';
  if (!isAlive(record)) return 'stopped';
  if (existsSync(join(folder, GO))) return 'created';
  return record.groups.some(isFrozen) ? 'paused' : 'running';
}

/** Whether there is a process of it. */
export function hasProcess(status: Status): boolean {
  return status !== 'stopped' && status !== 'creating';
}

function isFrozen(group: string): boolean {
  return read(`${group}/cgroup.events`).includes('frozen 1') || ['FROZEN', 'FREEZING'].includes(read(`${group}/freezer.state`).trim());
}

/** One that has ended and is not waited for yet counts as gone. */
export function isAlive({ pid, startTime }: Pick<ContainerRecord, 'pid' | 'startTime'>): boolean {
  const found = processStat(pid);
  return found !== undefined && found.startTime === startTime && found.state !== 'Z' && found.state !== 'X';
}

export function processStat(pid: number): { readonly state: string; readonly startTime: number } | undefined {
  const text = read(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return text === '' ? undefined : { state: fields[0] as string, startTime: Number(fields[19]) };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The state of the OCI runtime specification, as hooks and callers get it. */
export function publicState(record: ContainerRecord, status: Status): Record<string, unknown> {
  const { config, id, pid, bundle } = record;
  return { ociVersion: config.ociVersion, id, status, ...(status !== 'stopped' && { pid }), bundle, ...(config.annotations && { annotations: config.annotations }) };
}
