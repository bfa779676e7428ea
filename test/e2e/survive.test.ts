/** Containers outlive the kernel and the executor; the next kernel knows all that happened. A monitor takes its container along, and the record says why. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerInfo } from '@core/core/plugin';
import { e2e, e2eBare } from '../helpers/e2e.js';
import { ociLayout } from '../helpers/images.js';
import { DrivenKernel, executorOf, monitorOf, until } from '../helpers/kernel-process.js';
import { readProcess } from '../helpers/leaks/index.js';
import { bootStage } from '../helpers/stage.js';

const COUNT = 20;
const ENDING = 5;

const alive = (pid: number | undefined): boolean => readProcess(pid ?? 0).some(({ state }) => state !== 'Z');

/** Counts aloud, one line each time, until told to go; then exits with its own number. */
const counting = (number: number): string => `i=0; while [ ! -e /go/${number} ]; do echo $i; i=$((i+1)); sleep 0.1; done; exit ${number}`;

e2eBare('kernel and executor are killed: 20 containers run on, their logs go on, the next kernel adopts them all', async (t, folders) => {
  const go = join(folders.root, 'go');
  mkdirSync(go, { recursive: true });
  const first = await DrivenKernel.boot(folders);
  const infos: ContainerInfo[] = [];
  for (let number = 0; number < COUNT; number++) {
    infos.push(await first.run({ name: `n${number}`, image: ociLayout(), command: ['sh', '-c', counting(number)], mounts: [{ type: 'bind', source: go, target: '/go', readonly: true }] }));
  }

  await first.killed();
  t.is(infos.filter(({ pid }) => alive(pid)).length, COUNT, 'all run on without the kernel');
  const executor = executorOf(folders);
  t.truthy(executor, 'the executor runs on without the kernel');
  process.kill(executor?.pid ?? 0, 'SIGKILL');
  await until('the executor has ended', () => !alive(executor?.pid));
  t.is(infos.filter(({ pid }) => alive(pid)).length, COUNT, 'all run on without the executor');

  for (let number = 0; number < ENDING; number++) writeFileSync(join(go, String(number)), '');
  await until('those told to go have gone', () => infos.slice(0, ENDING).every(({ pid }) => !alive(pid)));

  const stage = await bootStage(folders);
  try {
    for (const [number, before] of infos.entries()) {
      const now = await stage.engine.containers.inspect({ container: before.id });
      if (number < ENDING) t.like(now, { state: 'exited', exit: { exitCode: number, oomKilled: false } }, 'its code was learnt from its record');
      else t.like(now, { state: 'running', pid: before.pid }, 'adopted');
    }
    const { id, pid } = infos.at(-1) as ContainerInfo;
    t.is((await stage.exec(id, ['echo', 'still'])).out, 'still', 'exec in an adopted container');
    await countsOn(t, stage, id);
    const waiting = stage.engine.containers.wait({ container: id });
    process.kill(pid ?? 0, 'SIGKILL');
    t.like(await waiting, { exitCode: 137, signal: 'SIGKILL' }, 'the end of an adopted container is noticed');
  } finally {
    await stage.removeAll();
    await stage.close();
    rmSync(go, { recursive: true });
  }
}, { timeout: 120_000 });

e2e('a monitor is killed: its container ends with it, and the record says why', async (t, stage) => {
  const lost = await stage.up({}, 'sleep 900 &');
  const other = await stage.up({});
  const pids = await stage.engine.containers.processes({ container: lost.id });
  process.kill(monitorOf(lost.pid), 'SIGKILL');
  t.like(await stage.engine.containers.wait({ container: lost.id }), { exitCode: 137, reason: 'monitor-lost' });
  t.deepEqual(pids.filter(alive), [], 'nothing of it runs');
  t.like(await stage.engine.containers.inspect({ container: lost.id }), { state: 'exited', exit: { reason: 'monitor-lost' } });
  t.is((await other.sh('echo unharmed')).out, 'unharmed');
});

e2eBare('a monitor is killed while there is no kernel and no executor: the next kernel cleans up after it', async (t, folders) => {
  const first = await DrivenKernel.boot(folders);
  const { id, pid } = await first.run({ image: ociLayout(), command: ['sh', '-c', 'sleep 900 & sleep 901'] });
  await first.killed();
  process.kill(executorOf(folders)?.pid ?? 0, 'SIGKILL');
  process.kill(monitorOf(pid ?? 0), 'SIGKILL');
  const stage = await bootStage(folders);
  t.like(await stage.engine.containers.inspect({ container: id }), { state: 'exited', exit: { reason: 'monitor-lost' } });
  t.false(alive(pid));
  await stage.removeAll();
  await stage.close();
});

e2e('the executor is killed under a living kernel: what runs goes on, and the next start has a new one', async (t, stage) => {
  const before = await stage.up({});
  process.kill(executorOf(stage.folders)?.pid ?? 0, 'SIGKILL');
  await until('the next start works', async () => stage.up({ name: 'next' }).then(() => true, () => false));
  t.true(alive(before.pid));
  t.is((await before.sh('echo here')).out, 'here');
});

/** Lines arrive still, and none is missing from the first to the last. */
async function countsOn(t: import('ava').ExecutionContext, stage: import('../helpers/stage.js').Stage, id: string): Promise<void> {
  const seen = (await stage.logs(id)).out.split('\n').map(Number);
  t.deepEqual(seen, seen.map((_, index) => index), 'every line is there, those of the time without a kernel too');
  await until('the log goes on', async () => (await stage.logs(id)).out.split('\n').length > seen.length);
}
