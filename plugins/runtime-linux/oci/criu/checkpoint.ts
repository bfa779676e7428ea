/** `core-oci checkpoint`: the processes of a container go into a folder, from which `restore` brings them back. Called by `../criu-commands.ts`. */
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { destroy } from '../delete.js';
import { OciFailure } from '../failure.js';
import type { Globals } from '../globals.js';
import { load, statusOf, type ContainerRecord } from '../state.js';
import { DUMP_LOG, dumpArguments, type DumpOptions } from './arguments.js';
import { describe, externalFiles, keep } from './descriptors.js';
import { externalMounts } from './mounts.js';
import { joinedNamespaces } from './namespaces.js';
import { findCriu, runCriu } from './run.js';

/** Nothing is left of the container then, unless it is to run on. */
export async function checkpoint(globals: Globals, id: string, options: DumpOptions): Promise<void> {
  const container = load(globals.root, id);
  const { record } = container;
  const status = statusOf(container);
  if (status !== 'running' && status !== 'paused') throw new OciFailure(`Container cannot be checkpointed in ${status} state`);
  // Its other end is whoever took it from the console socket, to whom no second one could be given.
  if (record.config.process?.terminal) throw new OciFailure('cannot checkpoint a container with a terminal');
  const criu = findCriu();
  const paths = makeFolders(options);
  dump(record, { criu, options: { ...options, ...paths } });
  if (!options.leaveRunning && !options.preDump) await destroy(globals, container);
}

function makeFolders({ imagePath, workPath = imagePath, parentPath }: DumpOptions): { readonly imagePath: string; readonly workPath: string } {
  const paths = { imagePath: resolve(imagePath), workPath: resolve(workPath) };
  for (const path of Object.values(paths)) mkdirSync(path, { recursive: true, mode: 0o700 });
  if (parentPath === undefined) return paths;
  if (isAbsolute(parentPath)) throw new OciFailure('--parent-path must be relative to --image-path');
  if (!existsSync(join(paths.imagePath, parentPath)) || !statSync(join(paths.imagePath, parentPath)).isDirectory()) throw new OciFailure(`--parent-path ${parentPath} is no folder below ${paths.imagePath}`);
  return paths;
}

function dump(record: ContainerRecord, { criu, options }: { readonly criu: string; readonly options: DumpOptions & { readonly workPath: string } }): void {
  const { pid, rootfs, config, groups } = record;
  const descriptors = describe(pid);
  if (!options.preDump) keep(options.imagePath, descriptors);
  const args = dumpArguments({
    pid,
    rootfs,
    freezer: freezerOf(groups),
    mounts: externalMounts(config, readFileSync(`/proc/${pid}/mountinfo`, 'utf8')),
    resources: [...externalFiles(descriptors), ...joinedNamespaces(config, pid).map(({ resource }) => resource)],
  }, options);
  runCriu({ criu, args, log: join(options.workPath, DUMP_LOG) });
}

/** v1's own hierarchy where there is one, as CRIU looks there first. */
function freezerOf(groups: readonly string[]): string | undefined {
  return groups.find((group) => existsSync(`${group}/freezer.state`)) ?? groups.find((group) => existsSync(`${group}/cgroup.freeze`));
}
