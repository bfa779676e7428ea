/**
 * Programs on a kernel that lacks something. Comes in: what it lacks (`clone3=ENOSYS`, see `fixtures/fallbacks/deny.c`) and a command line. Goes out: its end, or the
 * words to start it by. Called by the tests of fallbacks and by their tier.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { once, run } from '../helpers/images.js';

const source = join(import.meta.dirname, '..', '..', 'fixtures', 'fallbacks', 'deny.c');

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program that takes things away; compiled once, and statically: the machine of the v2 tier has no compiler and few libraries. */
export function denier(): string {
  const key = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 12);
  const folder = once(`deny-${key}`, (work) => run('cc', ['-static', '-O2', '-Wall', '-Wextra', '-Werror', '-o', join(work, 'deny'), source]));
  return join(folder, 'deny');
}

export function beneath(rules: readonly string[], command: readonly string[]): [string, string[]] {
  return [denier(), [...rules, '--', ...command]];
}

/** To its end. */
export function runBeneath(rules: readonly string[], command: readonly string[], cwd = '/'): Ended {
  const [program, args] = beneath(rules, command);
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: 30_000 });
  return { status, stdout, stderr };
}
