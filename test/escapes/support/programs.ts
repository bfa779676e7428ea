/**
 * The programs of the catalogue: what attackers run inside, and what vulnerable runtimes did outside. Comes in: nothing. Goes out: folders
 * with the compiled programs, made once and kept. Called by the attacks.
 */
import { spawn, spawnSync, type ChildProcess, type SpawnSyncReturns } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MountOptions } from '@core/core/plugin';
import { once, run } from '../../helpers/images.js';

const sources = join(import.meta.dirname, '..', '..', '..', 'fixtures', 'escapes');

/** Statically linked, so that it runs in any root. */
export function attackProgram(name: 'attack' | 'naive' | 'poison' | 'race'): string {
  return join(compiled(name, ['-static']), name);
}

/** Linked as most programs of a machine are: it loads libraries when it needs them. */
export function dynamicProgram(name: string, flags: readonly string[] = []): string {
  return join(compiled(name, flags), name);
}

/** The attacker's program in a container, at /attack/attack. */
export function attackMount(): MountOptions {
  return { type: 'bind', source: join(attackProgram('attack'), '..'), target: '/attack', readonly: true };
}

/** A copy, for attacks that overwrite it. */
export function copyOf(program: string, folder: string, name: string): string {
  const copy = join(folder, name);
  copyFileSync(program, copy);
  return copy;
}

/** A shell script in a mount namespace of its own: what a vulnerable runtime would do to the machine's mounts shows in there alone. */
export function naiveRuntime(script: string, env: Readonly<Record<string, string>> = {}): SpawnSyncReturns<string> {
  return spawnSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-ec', script], { encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', ...env } });
}

/** A program of the machine's, killed by whoever started it. */
export function background(program: string, args: readonly string[]): ChildProcess {
  return spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

function compiled(name: string, flags: readonly string[]): string {
  const source = join(sources, `${name}.c`);
  const key = createHash('sha256').update(readFileSync(source)).update(flags.join(' ')).digest('hex').slice(0, 12);
  return once(`escape-${name}-${key}`, (folder) => {
    run('cc', ['-O2', '-Wall', '-Wextra', '-Werror', ...flags, '-o', join(folder, name), source]);
  });
}
