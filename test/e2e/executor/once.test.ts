/** The executor for one request: a container made, held, let go and entered, without a monitor. Needs root and a static busybox. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { Connection } from '#runtime-linux/link/connection.js';
import { StepError } from '#runtime-linux/link/failure.js';
import { declareUnless } from '../../helpers/declare.js';
import { executorBinary, minimalPlan } from '../../helpers/executor-plan.js';
import { eventually, isAlive, lacking } from './support.js';

const run = declareUnless(lacking ?? (existsSync('/bin/busybox') ? undefined : 'busybox is not installed'));
const NAMESPACES = 0x6c020000;

function bundle(t: ExecutionContext): string {
  const base = mkdtempSync(join(tmpdir(), 'once-'));
  t.teardown(() => rmSync(base, { recursive: true, force: true }));
  mkdirSync(join(base, 'root', 'bin'), { recursive: true });
  copyFileSync('/bin/busybox', join(base, 'root', 'bin', 'busybox'));
  for (const name of ['sh', 'sleep']) symlinkSync('busybox', join(base, 'root', 'bin', name));
  return base;
}

interface Wanted {
  readonly argv: readonly string[];
  readonly held?: boolean;
  readonly hooks?: readonly unknown[];
}

const io = { terminal: false, rows: 0, cols: 0, stdin: false, stdinOnce: false, log: null, inherit: true, fds: 0 };
const identity = [['session'], ['cwd', '/', false], ['user', null, 0, 0, [], true]];

function planFor(base: string, { argv, held = false, hooks = [] }: Wanted): Record<string, unknown> {
  const fifos = ['go', 'result'].map((name) => join(base, name));
  return minimalPlan({
    dir: base, clone: NAMESPACES, detach: held, io,
    prepare: [['tree', 0, join(base, 'root'), true, false, true], ...(held ? [...fifos.map((path) => ['fifo', path, 0o600]), ...fifos.map((path, index) => ['open', index + 1, path, 2])] : [])],
    setup: [['propagation', 0x44000], ['root', 0], ['sync', 'hooks'], ...hooks, ['pivot'], ...identity, ['lookup'], ...(held ? [['hold', 1, 2]] : []), ['exec', argv, ['PATH=/bin']]],
  });
}

interface Answer {
  readonly result: Promise<{ readonly pid: number; readonly startTime: number }>;
  readonly syncs: unknown[];
  readonly ended: Promise<unknown>;
  readonly output: () => string;
}

function ask(op: string, plan: unknown): Answer {
  const child: ChildProcess = spawn(executorBinary, ['--once', '3'], { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
  let output = '';
  child.stdout?.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const connection = new Connection(child.stdio[3] as Socket);
  const syncs: unknown[] = [];
  const result = connection.request(op, plan, {
    onItem: (item) => {
      syncs.push((item as { sync: string }).sync);
      void connection.send(1, 'go', null);
    },
  }) as Answer['result'];
  return { result, syncs, ended: once(child, 'close').then(([code]) => code as unknown), output: () => output };
}

run('once: in the foreground the status and the output are the process\'s own', async (t) => {
  const asked = ask('create', planFor(bundle(t), { argv: ['sh', '-c', 'echo $$; exit 7'] }));
  await asked.result;
  t.is(await asked.ended, 7);
  t.is(asked.output(), '1\n');
  t.deepEqual(asked.syncs, ['hooks']);
});

run('once: a command that is not there fails the creation, before the hold', async (t) => {
  const asked = ask('create', planFor(bundle(t), { argv: ['nope'], held: true }));
  const failure = await t.throwsAsync<StepError>(asked.result, { instanceOf: StepError });
  t.like(failure, { errno: 'ENOENT', failure: { step: 'lookup' } });
  t.is(await asked.ended, 1);
});

run('once: a hook gets the state with its own pid and an environment of its own, and its failure is the creation\'s', async (t) => {
  const base = bundle(t);
  const script = `cat >${base}/seen; echo "$X-$HOME" >&2; exit 3`;
  const asked = ask('create', planFor(base, { argv: ['sh'], hooks: [['hook', '/bin/sh', ['sh', '-c', script], ['X=1', 'PATH=/bin:/usr/bin'], 5, '{"pid":', '}']] }));
  const failure = await t.throwsAsync<StepError>(asked.result, { instanceOf: StepError });
  t.regex(failure?.message ?? '', /exit status 3, output: 1-\n/);
  t.deepEqual(JSON.parse(readFileSync(join(base, 'seen'), 'utf8')), { pid: 1 });
});

run('once: a held process runs from a sealed copy, is let go by a byte, and can be entered', async (t) => {
  const base = bundle(t);
  const asked = ask('create', planFor(base, { argv: ['sleep', '60'], held: true }));
  const { pid, startTime } = await asked.result;
  t.teardown(() => isAlive(pid) && process.kill(pid, 'SIGKILL'));
  t.regex(readlinkSync(`/proc/${pid}/exe`), /^\/memfd:/);
  const go = openSync(join(base, 'go'), 'w');
  writeSync(go, 'g');
  closeSync(go);
  t.true(await eventually(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8') === 'sleep\u000060\u0000'));
  const steps = [...identity, ['exec', ['sh', '-c', 'echo in; exit 5'], ['PATH=/bin']]];
  const entered = ask('exec', { exec: 'e', pid, startTime, tasks: [], namespaces: NAMESPACES, steps, ...io, detach: false });
  await entered.result;
  t.is(await entered.ended, 5);
  t.is(entered.output(), 'in\n');
  const stranger = ask('exec', { exec: 'e', pid, startTime: startTime + 1, tasks: [], namespaces: NAMESPACES, steps, ...io });
  t.like(await t.throwsAsync<StepError>(stranger.result), { errno: 'ESRCH' });
});
