/** `core-oci events`: what a container uses, once or again and again until it ends. Called by `program.ts`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { machineFacts } from '../facts.js';
import { OciFailure } from './failure.js';
import type { Globals } from './globals.js';
import { print } from './print.js';
import { hasProcess, load, statusOf } from './state.js';
import { oomKills, usageOf } from './usage.js';

export interface EventsOptions {
  readonly stats: boolean;
  /** Seconds. */
  readonly interval: number;
}

export async function events({ root }: Globals, id: string, { stats, interval }: EventsOptions): Promise<void> {
  const container = load(root, id);
  if (!hasProcess(statusOf(container))) throw new OciFailure(`container with id ${id} is not running`);
  const { cgroups } = machineFacts();
  const { cgroup } = container.record;
  const tell = (type: string, data?: unknown): void => print(`${JSON.stringify({ type, id, data })}\n`);
  const tellStats = (): void => tell('stats', usageOf(cgroups, cgroup));
  if (stats) return tellStats();
  for (let known = oomKills(cgroups, cgroup); ; ) {
    await sleep(interval * 1000);
    const now = oomKills(cgroups, cgroup);
    if (now > known) tell('oom');
    known = now;
    if (statusOf(container) === 'stopped') return;
    tellStats();
  }
}
