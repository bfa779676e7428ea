/** What is inside a container's groups: processes, freezing, killing. Called by the lifecycle's parts. Without groups only the processes are known. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoreError } from '@core/core/plugin';
import type { Container } from '../container.js';
import { processesInside } from '../rootless/processes.js';

/** Ms until a freeze that does not take hold is given up. */
const FREEZE_TIMEOUT = 10_000;

/** The folder its processes are found and paused by: v2's where there is one, else v1's freezer. */
function home(container: Container): string {
  const [folder] = container.plan?.cgroups ?? [];
  if (folder === undefined) throw new CoreError('E_UNSUPPORTED', { message: 'the container has no cgroup, so it cannot be paused', object: container.object });
  return folder;
}

export function isV2(container: Container): boolean {
  return container.plan?.cgroup !== undefined;
}

export async function killGroup(container: Container): Promise<void> {
  await writeFile(`${home(container)}/cgroup.kill`, '1').catch(ignoreGone);
}

/** Host pids, those in groups the container made below its own included. */
export function processesOf(container: Container): Promise<number[]> {
  if (isUngrouped(container)) return container.pid === undefined ? Promise.resolve([]) : processesInside(container.pid);
  return processesIn(home(container));
}

/** An ordinary user's, with no cgroup delegated; one that was adopted without its record is not known to be. */
export function isUngrouped(container: Container): boolean {
  return container.plan?.cgroups.length === 0;
}

async function processesIn(folder: string): Promise<number[]> {
  const [text, entries] = await Promise.all([
    readFile(`${folder}/cgroup.procs`, 'utf8').catch(ignoreGone),
    readdir(folder, { withFileTypes: true }).catch(ignoreGone),
  ]);
  const below = await Promise.all((entries ?? []).filter((entry) => entry.isDirectory()).map((entry) => processesIn(`${folder}/${entry.name}`)));
  return [...(text ?? '').split('\n').filter(Boolean).map(Number), ...below.flat()];
}

/** Throws E_TIMEOUT, with the container thawed again, when it does not freeze within 10 s. */
export async function freeze(container: Container): Promise<void> {
  const folder = home(container);
  await (isV2(container) ? writeFile(`${folder}/cgroup.freeze`, '1') : writeFile(`${folder}/freezer.state`, 'FROZEN'));
  const deadline = Date.now() + FREEZE_TIMEOUT;
  for (let pause = 0; !(await isFrozen(container)); pause = Math.min(pause + 1, 20)) {
    if (Date.now() > deadline) {
      await thaw(container);
      throw new CoreError('E_TIMEOUT', { message: `container ${container.id} did not freeze within ${FREEZE_TIMEOUT} ms`, object: container.object });
    }
    await sleep(pause);
  }
}

export async function thaw(container: Container): Promise<void> {
  const folder = home(container);
  const thawed = isV2(container) ? writeFile(`${folder}/cgroup.freeze`, '0') : writeFile(`${folder}/freezer.state`, 'THAWED');
  await thawed.catch(ignoreGone);
}

export async function isFrozen(container: Container): Promise<boolean> {
  const folder = home(container);
  if (isV2(container)) return ((await readFile(`${folder}/cgroup.events`, 'utf8').catch(ignoreGone)) ?? '').includes('frozen 1');
  return ((await readFile(`${folder}/freezer.state`, 'utf8').catch(ignoreGone)) ?? '').trim() === 'FROZEN';
}

function ignoreGone(thrown: NodeJS.ErrnoException): undefined {
  if (thrown.code === 'ENOENT' || thrown.code === 'ENODEV') return undefined;
  throw thrown;
}
