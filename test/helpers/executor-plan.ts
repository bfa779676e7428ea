/** The executor as a program, and plans for it. Comes in: what differs. Goes out: a plan as PROTOCOL.md has it. Called by the executor's own tests. */
import { join } from 'node:path';

const repository = join(import.meta.dirname, '..', '..', '..');
const build = join(repository, 'plugins', 'runtime-linux', 'executor', 'build');

/** `CORE_EXECUTOR` names another one, so that the sanitized build passes the same tests. */
export const executorBinary = process.env['CORE_EXECUTOR'] ?? join(build, 'core-executor');

const NEWNS = 0x20000;

export function minimalPlan(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    id: 'c1',
    dir: '/run/core/c1',
    clone: NEWNS,
    prepare: [],
    mapped: [],
    setup: [['exec', ['/bin/true'], ['PATH=/bin']]],
    teardown: [],
    cgroups: [],
    io: { terminal: false, rows: 24, cols: 80, stdin: false, stdinOnce: false, log: null },
    ...changes,
  };
}
