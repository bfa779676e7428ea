/**
 * After a restart of the kernel: what lives of `alive` is adopted, all else of this root is ended and freed. Called by
 * `driver.ts`, once, before anything else.
 */
import { readdir, stat } from 'node:fs/promises';
import type { RuntimeStatus } from '@core/core/plugin';
import { hierarchies } from '../cgroup/parents.js';
import { isFrozen } from '../cgroup/members.js';
import { allGroups } from '../cgroup/paths.js';
import { Container } from '../container.js';
import { KINDS, pathsOf, type Context } from '../context.js';
import { foreignGroups } from '../foreign/find.js';
import type { Plan } from '../protocol.js';
import { readContainerRecord, readExit, readState } from '../records.js';
import { planOf } from './create.js';
import { controlOf, monitorLost, reap } from './exit.js';
import { removeContainer } from './remove.js';

export async function reconcile(context: Context, alive: readonly string[]): Promise<RuntimeStatus[]> {
  const wanted = new Set(alive);
  const found = await leftovers(context);
  const unknown = [...found.all].filter((id) => !context.containers.has(id));
  // What is kept and never ran since the last boot has nothing to adopt; its written layer waits for the next `create`.
  await Promise.all(unknown.filter((id) => found.ran.has(id) || !wanted.has(id)).map((id) => adopt(context, id)));
  const dropped = [...context.containers.values()].filter((container) => !wanted.has(container.id));
  await Promise.all(dropped.map((container) => removeContainer(context, container)));
  return [...context.containers.values()].map((container) => container.status());
}

interface Leftovers {
  /** Ids of which something is on the machine: a run folder, a folder on disk, a group. */
  readonly all: ReadonlySet<string>;
  /** Those with a run folder or a group. */
  readonly ran: ReadonlySet<string>;
}

async function leftovers({ folders, host, cgroupParent, foreignRoot }: Context): Promise<Leftovers> {
  const { v1, devicesParent } = host.cgroups;
  const groups = hierarchies(host.cgroups).map((mount) => mount + cgroupParent);
  if (devicesParent !== undefined) groups.push(`${v1.devices}${devicesParent}.own`);
  const [kept, run, ...found] = await Promise.all([onDisk(folders.containers), ...[folders.run, ...groups].map(subfolders)]);
  // Another engine may have been told to put a container of its own below our parent.
  const foreign = foreignGroups(foreignRoot);
  const ran = [run ?? [], found.flat().filter((id) => !foreign.has(`${cgroupParent}/${id}`))];
  return { all: new Set([...kept, ...ran.flat()]), ran: new Set(ran.flat()) };
}

/** One folder of each kind per container. What begins with a dot is the executor's, made in advance. */
async function onDisk(containers: string): Promise<string[]> {
  const names = await Promise.all(KINDS.map((kind) => subfolders(`${containers}/${kind}`)));
  return names.flat().filter((name) => !name.startsWith('.'));
}

async function subfolders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return [];
    throw thrown;
  });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

async function adopt(context: Context, id: string): Promise<void> {
  const record = await readContainerRecord(pathsOf(context, { id }).dir);
  const paths = pathsOf(context, { id, cgroupsPath: record?.spec.linux?.cgroupsPath });
  const container = new Container(id, paths, record, () => (record ? planOf(context, { id, paths, record }) : barePlan(context, { id, paths })));
  container.touched = true;
  container.watched = 'control';
  context.containers.set(id, container);
  const state = await readState(container.paths.dir);
  container.markRunning(state?.pid ?? 0, state?.startedAt ?? 0);
  container.watched = 'control';
  try {
    const control = await controlOf(context, container);
    if (container.isRunning && !state) await learnPid(control, container);
    if (!container.isRunning) return;
    container.paused = await isFrozen(container);
    container.tasks = await joinedTasks(context, container);
  } catch {
    await settleDead(context, container);
  }
}

/** The v1 groups it has, whatever limits it began with. */
async function joinedTasks({ host }: Context, { paths }: Container): Promise<string[]> {
  const folders = allGroups(host.cgroups, paths.cgroup).filter((folder) => folder !== (host.cgroups.unified ?? '') + paths.cgroup);
  const there = await Promise.all(folders.map((folder) => stat(`${folder}/tasks`).then(() => true, () => false)));
  return folders.filter((_, index) => there[index]).map((folder) => `${folder}/tasks`);
}

/** It was being started when the last kernel ended: its monitor knows the pid once there is one. */
async function learnPid(control: { request(op: string, argument: unknown): Promise<unknown> }, container: Container): Promise<void> {
  const { pid } = (await control.request('hello', {})) as { pid: number };
  const state = await readState(container.paths.dir);
  container.markRunning(state?.pid ?? pid, state?.startedAt ?? Date.now());
  container.watched = 'control';
}

/** No monitor answers: it ended in order, or was lost, or the container never came to be. */
async function settleDead(context: Context, container: Container): Promise<void> {
  const { dir } = container.paths;
  const [exit, state] = await Promise.all([readExit(dir), readState(dir)]);
  if (exit || state) return monitorLost(context, container);
  await reap(context, container);
  container.monitorGone.resolve();
  container.phase = 'created';
  container.pid = undefined;
  container.startedAt = undefined;
}

/** Enough to end and free what has no record. */
export function barePlan({ host }: Context, { id, paths }: Pick<Container, 'id' | 'paths'>): Plan {
  const { unified, v1 } = host.cgroups;
  const groups = allGroups(host.cgroups, paths.cgroup);
  const home = unified ?? v1.freezer;
  return {
    id,
    dir: paths.dir,
    clone: 0,
    ...(unified !== undefined && { cgroup: unified + paths.cgroup }),
    prepare: [],
    mapped: [],
    setup: [],
    teardown: groups.map((folder) => ['rmdir', folder] as const),
    cgroups: home === undefined ? [] : [home + paths.cgroup],
    io: { terminal: false, rows: 0, cols: 0, stdin: false, stdinOnce: false, log: null },
  };
}
