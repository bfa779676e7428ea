/** The process of an exec: the container's own, with what the caller replaces; or the one of a file. Called by `exec.ts`. */
import { readFileSync } from 'node:fs';
import type { Oci } from '@core/core/plugin';
import { mergeEnv } from '../spec/env.js';
import { OciFailure } from './failure.js';

export interface ProcessFlags {
  readonly process?: string | undefined;
  readonly cwd?: string | undefined;
  readonly env: readonly string[];
  readonly tty: boolean;
  readonly user?: string | undefined;
  readonly additionalGids: readonly number[];
  readonly cap: readonly string[];
  readonly noNewPrivs: boolean;
}

export function execProcess(base: Oci.Process, { args, flags }: { readonly args: readonly string[]; readonly flags: ProcessFlags }): Oci.Process {
  if (flags.process !== undefined) return readProcess(flags.process);
  if (args.length === 0) throw new OciFailure('process args cannot be empty', 255);
  return {
    ...base,
    args: [...args],
    terminal: flags.tty,
    cwd: flags.cwd ?? base.cwd,
    env: mergeEnv(base.env ?? [], flags.env),
    user: userOf(base.user, flags),
    ...(flags.cap.length > 0 && { capabilities: withCapabilities(base.capabilities ?? {}, flags.cap) }),
    ...(flags.noNewPrivs && { noNewPrivileges: true }),
  };
}

function readProcess(path: string): Oci.Process {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Oci.Process;
  } catch (thrown) {
    throw new OciFailure(`cannot read the process ${path}: ${(thrown as Error).message}`, 255);
  }
}

function userOf(base: Oci.User, { user, additionalGids }: ProcessFlags): Oci.User {
  const groups = additionalGids.length > 0 ? { additionalGids: [...(base.additionalGids ?? []), ...additionalGids] } : {};
  if (user === undefined) return { ...base, ...groups };
  const [, uid, gid] = /^([0-9]+)(?::([0-9]+))?$/.exec(user) ?? [];
  if (uid === undefined) throw new OciFailure(`parsing ${user} as int for uid failed`, 255);
  return { ...base, uid: Number(uid), ...(gid !== undefined && { gid: Number(gid) }), ...groups };
}

/** In every set a process can use at once; ambient ones only where they are inheritable already. */
function withCapabilities(base: Oci.Capabilities, names: readonly string[]): Oci.Capabilities {
  const add = (set: readonly string[] = []): string[] => [...new Set([...set, ...names])];
  return { ...base, bounding: add(base.bounding), effective: add(base.effective), permitted: add(base.permitted) };
}
