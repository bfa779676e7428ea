/** `core-oci delete`: what a container had is freed: processes, groups, record. Called by `program.ts` and `run.ts`. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { doesNotExist, OciFailure } from './failure.js';
import { thawGroups, thawProcess } from './freezer.js';
import type { Globals } from './globals.js';
import { killAll, memberFolder, removeGroups } from './groups.js';
import { writeLog } from './log.js';
import { removeSharedRoot } from './shared-root.js';
import { forget, ids, isAlive, load, publicState, statusOf, type Container } from './state.js';

export interface DeleteOptions {
  readonly force: boolean;
  /** Whether the id is a pattern. */
  readonly regex: boolean;
}

export async function deleteContainers(globals: Globals, id: string, { force, regex }: DeleteOptions): Promise<void> {
  if (!regex) return deleteContainer(globals, id, force);
  const pattern = patternOf(id);
  for (const each of ids(globals.root)) if (pattern.test(each)) await deleteContainer(globals, each, force);
}

function patternOf(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new OciFailure(`invalid regular expression ${JSON.stringify(text)}`);
  }
}

async function deleteContainer(globals: Globals, id: string, force: boolean): Promise<void> {
  const container = find(globals, id, force);
  if (!container) return;
  const status = statusOf(container);
  if (!force && status !== 'stopped' && status !== 'created') throw new OciFailure(`cannot delete container ${id} that is not stopped: ${status}`);
  await destroy(globals, container);
}

function find({ root }: Globals, id: string, force: boolean): Container | undefined {
  try {
    return load(root, id);
  } catch (thrown) {
    if (!force || !(thrown instanceof OciFailure) || thrown.message !== doesNotExist().message) throw thrown;
    // Of a creation that was broken off before anything was written.
    forget(join(root, id));
    return undefined;
  }
}

const END_TIMEOUT = 10_000;

export async function destroy(globals: Globals, { folder, record }: Container): Promise<void> {
  await end({ folder, record });
  const members = memberFolder(record.groups);
  if (members !== undefined && record.made.includes(members)) await killAll(members);
  await removeGroups(record.groups, record.made);
  await removeSharedRoot({ folder, record });
  forget(folder);
  if (!record.config.hooks?.poststop?.length) return;
  // What runs programs is loaded where there is one to run.
  const { runLateHooks } = await import('./hooks.js');
  await runLateHooks(record.config, 'poststop', { state: publicState(record, 'stopped'), warn: (message) => writeLog(globals, 'warning', message) });
}

/** What is frozen cannot end. */
async function end({ record }: Container): Promise<void> {
  if (!isAlive(record)) return;
  process.kill(record.pid, 'SIGKILL');
  thawGroups(record.groups);
  const deadline = Date.now() + END_TIMEOUT;
  for (let pause = 1; isAlive(record); pause = Math.min(pause * 2, 50)) {
    if (Date.now() > deadline) throw new OciFailure(`container ${record.id} does not end`);
    await sleep(pause);
    thawProcess(record.pid);
  }
}
