/** The run-time truth in a container's run folder: `state`, `exit` and `record`. Called by reconcile and where a monitor was lost. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExitStatus, Oci, Rootfs } from '@core/core/plugin';
import type { PlanInput } from './plan/input.js';
import type { ExitRecord, StateRecord } from './protocol.js';
import { defaultProfile, originOf, type ProfileOrigin } from './seccomp/profile.js';
import { signalName } from './signals.js';

/** What the next kernel needs to know of a container it did not start. */
export interface ContainerRecord {
  readonly spec: Oci.Spec;
  readonly rootfs: Rootfs;
  readonly io: PlanInput['io'];
}

/** The default profile is written as what it was made from, as it is most of a spec and comes with every start. */
export function recordText({ spec, ...rest }: ContainerRecord): string {
  const { seccomp, ...linux } = spec.linux ?? {};
  const origin = seccomp && originOf(seccomp);
  return JSON.stringify(origin ? { spec: { ...spec, linux }, ...rest, origin } : { spec, ...rest });
}

export async function readContainerRecord(dir: string): Promise<ContainerRecord | undefined> {
  const bytes = await read(join(dir, 'record'));
  if (!bytes) return undefined;
  const { origin, spec, ...rest } = JSON.parse(bytes.toString()) as ContainerRecord & { origin?: ProfileOrigin };
  return { ...rest, spec: origin ? { ...spec, linux: { ...spec.linux, seccomp: defaultProfile(origin.capabilities, origin.machine) } } : spec };
}

/** `undefined` while the container has not ended, or has not begun. */
export async function readExit(dir: string): Promise<ExitStatus | undefined> {
  const bytes = await read(join(dir, 'exit'));
  return bytes && exitStatus(JSON.parse(bytes.toString()) as ExitRecord);
}

export async function readState(dir: string): Promise<StateRecord | undefined> {
  const bytes = await read(join(dir, 'state'));
  return bytes && (JSON.parse(bytes.toString()) as StateRecord);
}

export function exitStatus({ exitCode, signal, oomKilled, reason, startedAt, finishedAt }: ExitRecord): ExitStatus {
  return {
    exitCode,
    ...(signal ? { signal: signalName(signal) } : {}),
    oomKilled: oomKilled ?? false,
    ...(reason ? { reason } : {}),
    startedAt,
    finishedAt,
  };
}

async function read(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}
