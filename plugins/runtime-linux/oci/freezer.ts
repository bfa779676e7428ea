/** Stops all processes of a container, and lets them run again. Comes in: its groups. Called by `pause.ts`, `delete.ts` and `groups.ts`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupLayout } from '../cgroup/layout.js';
import { OciFailure } from './failure.js';

const FREEZE_TIMEOUT = 10_000;

/** Throws, with everything running again, when it does not take hold. */
export async function freezeGroups(groups: readonly string[]): Promise<void> {
  const switchFile = findSwitch(groups);
  if (!switchFile) throw new OciFailure('this machine has no freezer');
  writeFileSync(switchFile.path, switchFile.freeze);
  const deadline = Date.now() + FREEZE_TIMEOUT;
  for (let pause = 1; !switchFile.isFrozen(); pause = Math.min(pause * 2, 20)) {
    if (Date.now() > deadline) {
      thawGroups(groups);
      throw new OciFailure('unable to freeze');
    }
    await sleep(pause);
  }
}

export function thawGroups(groups: readonly string[]): void {
  const switchFile = findSwitch(groups);
  if (switchFile) writeFileSync(switchFile.path, switchFile.thaw);
}

/** By the group it is in now: somebody may have moved it since it was born. In v2 a frozen process ends all the same. */
export function thawProcess(pid: number): void {
  const path = /^[0-9]+:(?:[^:]*,)?freezer(?:,[^:]*)?:(.*)$/m.exec(text(`/proc/${pid}/cgroup`))?.[1];
  const mount = freezerMount();
  if (path === undefined || mount === undefined) return;
  try {
    writeFileSync(`${mount}${path}/freezer.state`, 'THAWED');
  } catch {
    // The root of the hierarchy has no such file; or it has ended.
  }
}

function freezerMount(): string | undefined {
  return cgroupLayout(text('/proc/self/mountinfo'), () => '').v1.freezer;
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

interface Switch {
  readonly path: string;
  readonly freeze: string;
  readonly thaw: string;
  readonly isFrozen: () => boolean;
}

function findSwitch(groups: readonly string[]): Switch | undefined {
  const unified = groups.find((group) => existsSync(`${group}/cgroup.freeze`));
  if (unified !== undefined) return { path: `${unified}/cgroup.freeze`, freeze: '1', thaw: '0', isFrozen: () => readFileSync(`${unified}/cgroup.events`, 'utf8').includes('frozen 1') };
  const v1 = groups.find((group) => existsSync(`${group}/freezer.state`));
  if (v1 === undefined) return undefined;
  return { path: `${v1}/freezer.state`, freeze: 'FROZEN', thaw: 'THAWED', isFrozen: () => readFileSync(`${v1}/freezer.state`, 'utf8').trim() === 'FROZEN' };
}
