/** `core` and `core-oci` on a kernel that lacks something. Comes in: a folder of the test's own, and the rules. Goes out: what they said. Called by the tests beside it. */
import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ContainerOptions } from '@core/core/plugin';
import { runBeneath, type Ended } from './deny.js';

export const CORE = fileURLToPath(new URL('../../../core/bin/core.mjs', import.meta.url));
const PLUGINS = ['runtime-linux', 'image-oci'].map((name) => fileURLToPath(new URL(`../../../plugins/${name}/dist/index.js`, import.meta.url)));

export interface RunWish {
  readonly rules: readonly string[];
  readonly options?: Partial<ContainerOptions>;
  /** Another program in the place of the executor. */
  readonly executor?: string;
}

/** A plugin set with one container, for `core run`. */
export function pluginSet(folder: string, { options = {}, executor }: Omit<RunWish, 'rules'>): string {
  // As /var/lib and /run: the root of a user namespace walks through.
  chmodSync(folder, 0o711);
  const set = join(folder, 'set.json');
  const [runtime, images] = PLUGINS;
  const plugins = [executor === undefined ? runtime : { module: runtime, config: { executor } }, images];
  const run = { one: { image: 'host', command: ['echo', 'hello'], ...options } };
  writeFileSync(set, JSON.stringify({ plugins, root: join(folder, 'root'), runRoot: join(folder, 'run'), run }));
  return set;
}

export function coreRun(folder: string, { rules, ...wish }: RunWish): Ended {
  return runBeneath(rules, [process.execPath, CORE, '--json', 'run', pluginSet(folder, wish)]);
}

/** What kernels of that folder have not taken away again. */
export function leftIn(folder: string): string[] {
  return [join(folder, 'root', 'ephemeral'), join(folder, 'run', 'e')].flatMap((place) => readdirSync(place));
}

export interface Said {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly issues?: ReadonlyArray<{ readonly message: string }>;
}

/** The error of a command that was called with `--json`; the log may have said something before. */
export function errorOf({ stderr }: Ended): Said {
  return (JSON.parse(stderr.slice(stderr.indexOf('{\n  "error"'))) as { error: Said }).error;
}

export interface Finding {
  readonly name: string;
  readonly status: 'ok' | 'limited' | 'failed';
  readonly found: string;
  readonly mend?: string;
}

export function doctor(rules: readonly string[]): Map<string, Finding> {
  return findings(runBeneath(rules, [process.execPath, CORE, '--json', 'doctor']));
}

export function findings({ stdout }: Ended): Map<string, Finding> {
  return new Map((JSON.parse(stdout) as { checks: Finding[] }).checks.map((finding) => [finding.name, finding]));
}
