/** `core-oci restore`: a container comes back from a folder that `checkpoint` filled. Comes out: the exit code. Called by `../criu-commands.ts`. */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmdirSync, unlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { machineFacts } from '../../facts.js';
import type { HostFacts } from '../../plan/input.js';
import { loadBundle, type Bundle } from '../config.js';
import { destroy } from '../delete.js';
import { OciFailure } from '../failure.js';
import type { Globals } from '../globals.js';
import { makeGroups, removeGroups } from '../groups.js';
import { checkId, claim, forget, isAlive, processStat, save, writeWhole, type Container, type ContainerRecord } from '../state.js';
import { restoreArguments, RESTORE_LOG, type RestoreOptions } from './arguments.js';
import { inherited, kept, type Descriptors } from './descriptors.js';
import { bringIn, cgroupRoots, checkDeviceRules, limit } from './groups.js';
import { hookScript } from './hooks.js';
import { bindMounts } from './mounts.js';
import { joinedNamespaces } from './namespaces.js';
import { findCriu, OWN, runCriu } from './run.js';

export interface RestoreFlags extends RestoreOptions {
  readonly bundle: string;
  readonly detach: boolean;
  readonly pidFile?: string | undefined;
}

/** When it fails nothing is left. In the foreground it stays until the container's end, and deletes it; the status of its command only its new parent hears. */
export async function restore(globals: Globals, id: string, flags: RestoreFlags): Promise<void> {
  checkId(id);
  const host = machineFacts();
  const bundle = loadBundle(flags.bundle, { id, systemd: globals.systemdCgroup, host });
  if (bundle.config.process?.terminal) throw new OciFailure('cannot restore a container with a terminal');
  checkDeviceRules(bundle.config, host);
  const criu = findCriu();
  const imagePath = resolve(flags.imagePath);
  const paths = { imagePath, workPath: resolve(flags.workPath ?? imagePath) };
  const descriptors = kept(imagePath);
  mkdirSync(paths.workPath, { recursive: true, mode: 0o700 });
  const container = await bringBack({ globals, id, host, bundle }, { criu, descriptors, options: { ...flags, ...paths } });
  if (flags.pidFile !== undefined) writeWhole(resolve(flags.pidFile), String(container.record.pid), 0o644);
  if (flags.detach) return;
  while (isAlive(container.record)) await sleep(LOOK);
  await destroy(globals, container);
}

const LOOK = 100;

interface Wanted {
  readonly globals: Globals;
  readonly id: string;
  readonly host: HostFacts;
  readonly bundle: Bundle;
}

interface Means {
  readonly criu: string;
  readonly descriptors: Descriptors;
  readonly options: RestoreFlags & { readonly workPath: string };
}

async function bringBack({ globals, id, host, bundle: { path, rootfs, config } }: Wanted, means: Means): Promise<Container> {
  const folder = claim(globals.root, id);
  const cgroup = config.linux?.cgroupsPath as string;
  let record: ContainerRecord = { id, pid: 0, startTime: 0, bundle: path, rootfs, created: new Date().toISOString(), cgroup, groups: [], made: [], config };
  try {
    record = { ...record, ...makeGroups(host.cgroups, cgroup) };
    limit(host.cgroups, { path: cgroup, resources: config.linux?.resources ?? {} });
    // For hooks, which find it by its id.
    save(folder, record);
    const pid = runRestore({ folder, record }, { ...means, globals });
    record = { ...record, pid, startTime: processStat(pid)?.startTime ?? 0 };
    if (!isAlive(record)) throw new OciFailure('the container has ended again at once');
    bringIn(record);
    save(folder, record);
    return { folder, record };
  } catch (thrown) {
    if (record.pid > 0 && isAlive(record)) process.kill(record.pid, 'SIGKILL');
    await removeGroups(record.groups, record.made).catch(() => {});
    forget(folder);
    throw thrown;
  }
}

/** The pid of its first process. */
function runRestore({ folder, record }: Container, { criu, descriptors, options, globals }: Means & Pick<Wanted, 'globals'>): number {
  const { config, rootfs, cgroup, id } = record;
  const [root, pidFile] = ['criu-root', 'criu-pid'].map((name) => join(folder, name)) as [string, string];
  mkdirSync(root, { mode: 0o700 });
  const joined = joinedNamespaces(config);
  const fds = joined.map(({ path }) => openSync(path, 'r'));
  const script = hookScript({ folder, id, config, root: globals.root });
  try {
    const args = restoreArguments({
      root,
      mounts: bindMounts(config),
      groups: cgroupRoots({ own: readFileSync('/proc/self/cgroup', 'utf8'), path: cgroup }),
      inherited: [...inherited(descriptors), ...joined.map(({ name }, index) => ({ fd: OWN + 3 + index, resource: name }))],
      pidFile,
    }, options);
    runCriu({ criu, args: script === undefined ? args : [...args, '--action-script', script], log: join(options.workPath, RESTORE_LOG), fds, root: { from: rootfs, at: root } });
    return Number(readFileSync(pidFile, 'utf8'));
  } finally {
    fds.forEach((fd) => closeSync(fd));
    rmdirSync(root);
    for (const path of [pidFile, script]) if (path !== undefined && existsSync(path)) unlinkSync(path);
  }
}
