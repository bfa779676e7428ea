/**
 * The kernel is killed at random moments of create, start, exec, stop, pause and remove. After the next kernel has recovered,
 * nothing that was acknowledged is lost, nothing half-made is there, and the leak oracle finds nothing. `ROUNDS` says how often
 * (25), `SEED` where chance begins; a failure names the seed that repeats it.
 */
import type { ExecutionContext } from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerInfo } from '@core/core/plugin';
import type { Line, Operation } from '../fixtures/restless-kernel.js';
import { e2eBare, ownGroups } from '../helpers/e2e.js';
import { ociLayout } from '../helpers/images.js';
import { executorOf, fixture, until } from '../helpers/kernel-process.js';
import { leaksSince, readProcess, report, snapshot, type Scope } from '../helpers/leaks/index.js';
import { Random } from '../helpers/random.js';
import { bootStage, type Folders } from '../helpers/stage.js';

const rounds = Number(process.env['ROUNDS'] ?? 25);
const firstSeed = Number(process.env['SEED'] ?? 1);
/** Milliseconds of a boot, roughly. */
const BOOT = 300;
const MOST_LINES = 80;
/** Milliseconds of an operation, roughly. */
const OPERATION = 20;

e2eBare(`${rounds} rounds of kill -9, from seed ${firstSeed}`, async (t, folders) => {
  const operations = new Map<string, number>();
  await (await bootStage(folders)).close(); // what the first boot leaves stays: images, the store
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
    const lines = await round(t, folders, seed);
    const last = lines.filter(({ phase }) => phase === 'begun').at(-1);
    const key = last?.operation ?? 'boot';
    operations.set(key, (operations.get(key) ?? 0) + 1);
  }
  t.log('killed during', Object.fromEntries(operations));
}, { timeout: 60_000 + rounds * 10_000 });

async function round(t: ExecutionContext, folders: Folders, seed: number): Promise<Line[]> {
  const random = new Random(seed);
  const scope: Scope = { folders: [folders.root, folders.runRoot], mayStay: (path) => path === 'executor.log' || /^(state|images)(\/|$)|^containers\/work\/\.spare-\d+(\/work)?$/.test(path), cgroup: ownGroups(folders.root) };
  const before = snapshot(scope);
  const lines = await liveAndDie(folders, seed, random);
  t.deepEqual(lines.filter(({ phase }) => phase === 'failed'), [], `seed ${seed}: nothing fails before the kill`);

  const stage = await bootStage(folders).catch((error: unknown) => {
    throw new Error(`seed ${seed}: the next kernel does not boot`, { cause: error });
  });
  const listed = await stage.engine.containers.list({ all: true });
  for (const fault of faults(lines, listed)) t.fail(`seed ${seed}: ${fault}`);
  await stage.removeAll();
  await stage.close();
  t.is(report(await leaksSince(before, scope)), '', `seed ${seed}: left behind`);
  return lines;
}

/** Every third round the executor is killed as well. */
async function liveAndDie(folders: Folders, seed: number, random: Random): Promise<Line[]> {
  const child = spawn(process.execPath, [fixture('restless-kernel.js'), folders.root, folders.runRoot, ociLayout(), String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (data: string) => (text += data));
  await momentOf(random, () => text.split('\n').length - 1);
  const executor = random.below(3) === 0 ? executorOf(folders) : undefined;
  child.kill('SIGKILL');
  if (executor) process.kill(executor.pid, 'SIGKILL');
  await closed;
  if (executor) await until('the executor has ended', () => readProcess(executor.pid).every(({ startTime }) => startTime !== executor.startTime));
  return text.split('\n').slice(0, -1).map((line) => JSON.parse(line) as Line);
}

/** Once in five within the boot, else somewhere within an operation: they last differently long, so they are counted rather than timed. */
async function momentOf(random: Random, lines: () => number): Promise<void> {
  if (random.below(5) === 0) return void (await sleep(random.below(BOOT)));
  const wanted = 1 + random.below(MOST_LINES);
  await until(`${wanted} lines`, () => lines() >= wanted, 30_000);
  await sleep(random.below(OPERATION));
}

/** What the acknowledged operations promise, against what the recovered kernel has. */
function faults(lines: readonly Line[], listed: readonly ContainerInfo[]): string[] {
  const found: string[] = [];
  const byName = new Map(listed.map((info) => [info.name, info]));
  const names = new Set(lines.flatMap(({ name }) => name ?? []));
  for (const name of names) {
    const own = lines.filter((line) => line.name === name);
    const last = own.at(-1);
    const info = byName.get(name);
    const done = (operation: Operation): boolean => own.some((line) => line.operation === operation && line.phase === 'done');
    const removing = own.some(({ operation }) => operation === 'remove');
    if (done('create') && !removing && !info) found.push(`${name} was acknowledged and is lost`);
    if (done('remove') && info) found.push(`${name} was removed and is back`);
    if (last?.phase === 'done' && last.operation && info) found.push(...stateFault(info, last.operation));
  }
  for (const { name, state, pid } of listed) {
    if (!names.has(name)) found.push(`${name} is there and nobody made it`);
    if ((state === 'running' || state === 'paused') && readProcess(pid ?? 0).length === 0) found.push(`${name} is ${state} and has no process`);
  }
  return found;
}

function stateFault({ name, state }: ContainerInfo, last: Operation): string[] {
  const expected: Partial<Record<Operation, string>> = { create: 'created', start: 'running', exec: 'running', resume: 'running', pause: 'paused', stop: 'exited', kill: 'exited' };
  return expected[last] && expected[last] !== state ? [`${name} is ${state} after an acknowledged ${last}`] : [];
}
