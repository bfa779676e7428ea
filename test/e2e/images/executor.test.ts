/** Layers by the executor itself: what its worker may, and what is left when it is aborted, killed, or fed with damage. Needs root. */
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import type { Progress } from '#core/contracts/index.js';
import type { CoreError } from '#core/errors/index.js';
import { config } from '#runtime-linux/config.js';
import { createDriver, type Driver } from '#runtime-linux/driver.js';
import { temporaryFolder } from '../../helpers/folder.js';
import { lacks } from '../../helpers/machine.js';
import { tar } from '../../unpack/helpers/tar.js';

const run = lacks({ root: true, tools: ['cc'] }) ? test.skip : test;

interface Setup {
  readonly driver: Driver;
  readonly layers: string;
  readonly archive: string;
}

async function setup(t: ExecutionContext, archive: Uint8Array): Promise<Setup> {
  const folder = temporaryFolder(t);
  const layers = join(folder, 'layers');
  mkdirSync(layers);
  writeFileSync(join(folder, 'archive'), archive);
  const driver = await createDriver({ ...config.parse({ cgroupParent: '/core-test', executor: process.env['CORE_EXECUTOR'] }), root: join(folder, 'root'), runRoot: join(folder, 'run'), lease: true });
  t.teardown(() => driver.close());
  return { driver, layers, archive: join(folder, 'archive') };
}

const FILES = 24;
const SIZE = 4 << 20;
const big = (): Buffer => tar(...Array.from({ length: FILES }, (_, i) => ({ name: `f${i}`, data: Buffer.alloc(SIZE, i) })));
const code = async (t: ExecutionContext, work: Promise<unknown>): Promise<string | undefined> => ((await t.throwsAsync(work)) as unknown as CoreError).code;

/** The worker's pid, from the folder it fills. */
async function worker(layers: string): Promise<number> {
  for (;;) {
    const [, pid] = /^\.unpack-(\d+)-/.exec(readdirSync(layers)[0] ?? '') ?? [];
    if (pid !== undefined && readdirSync(join(layers, readdirSync(layers)[0] ?? '')).length > 0) return Number(pid);
    await sleep(1);
  }
}

run('a layer, with progress in bytes of the archive', async (t) => {
  const { driver, layers, archive } = await setup(t, big());
  const seen: Progress[] = [];
  const { size, entries, digest, diffId } = await driver.layers.unpack({ path: archive, target: join(layers, 'tree') }, { onProgress: (progress) => seen.push(progress) });
  t.deepEqual([size, entries, digest], [FILES * SIZE, FILES, diffId]);
  t.deepEqual(readdirSync(layers), ['tree']);
  t.true(seen.length > 10);
  t.true(seen.every(({ current, total, unit }, i) => unit === 'bytes' && total === readFileSync(archive).length && (current ?? 0) > (seen[i - 1]?.current ?? 0)));
});

run('an archive within another file', async (t) => {
  const inner = gzipSync(tar({ name: 'inner', data: 'x' }));
  const { driver, layers, archive } = await setup(t, Buffer.concat([Buffer.alloc(777, 'a'), inner, Buffer.alloc(99, 'b')]));
  await driver.layers.unpack({ path: archive, offset: 777, length: inner.length, target: join(layers, 'tree') });
  t.deepEqual(readdirSync(join(layers, 'tree')), ['inner']);
  t.is(await code(t, driver.layers.unpack({ path: archive, offset: 777, length: 10_000, target: join(layers, 'other') })), 'E_IMAGE');
});

run('the worker has given up what it does not need', async (t) => {
  const { driver, layers, archive } = await setup(t, big());
  const work = driver.layers.unpack({ path: archive, target: join(layers, 'tree') });
  const pid = await worker(layers);
  process.kill(pid, 'SIGSTOP');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const root = readlinkSync(`/proc/${pid}/root`);
  const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  process.kill(pid, 'SIGCONT');
  await work;
  t.regex(status, /^NoNewPrivs:\s*1$/m);
  // A sanitizer's run-time makes calls of its own.
  t.regex(status, process.env['CORE_EXECUTOR']?.endsWith('-asan') ? /^Seccomp:\s*0$/m : /^Seccomp:\s*2$/m);
  // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SYS_ADMIN, MKNOD, SETFCAP
  t.regex(status, /^CapEff:\s*000000008820001b$/m);
  t.regex(status, /^CapPrm:\s*000000008820001b$/m);
  t.regex(root, /\.unpack-/);
  t.true(open.every((path) => /^(\/dev\/null|socket:|\/.*executor\.log|\/.*\/archive|\/.*\/layers)/.test(path)), open.join(' '));
});

run('an aborted one leaves nothing', async (t) => {
  const { driver, layers, archive } = await setup(t, big());
  const stop = new AbortController();
  const work = driver.layers.unpack({ path: archive, target: join(layers, 'tree') }, { signal: stop.signal });
  await worker(layers);
  stop.abort();
  t.is(await code(t, work), 'E_ABORTED');
  t.deepEqual(readdirSync(layers), []);
});

run('one whose worker is killed fails, says so, and leaves a folder that names the dead', async (t) => {
  const { driver, layers, archive } = await setup(t, big());
  let told = (): void => {};
  const progress = new Promise<void>((resolve) => (told = resolve));
  const work = driver.layers.unpack({ path: archive, target: join(layers, 'tree') }, { onProgress: () => told() });
  const pid = await worker(layers);
  await progress; // which is no answer
  process.kill(pid, 'SIGKILL');
  t.is(await code(t, work), 'E_IO');
  const [left, ...more] = readdirSync(layers);
  t.deepEqual(more, []);
  t.true(left?.startsWith(`.unpack-${pid}-`));
  await driver.layers.remove({ paths: [join(layers, left as string)] });
  t.deepEqual(readdirSync(layers), []);
});

run('several at a time, also of the same target', async (t) => {
  const { driver, layers, archive } = await setup(t, gzipSync(tar({ name: 'a', data: 'x'.repeat(99_999) })));
  await Promise.all(['a', 'a', 'a', 'b', 'c', 'd'].map((name) => driver.layers.unpack({ path: archive, target: join(layers, name) })));
  t.deepEqual(readdirSync(layers).sort(), ['a', 'b', 'c', 'd']);
});

run('whose fault it is', async (t) => {
  const { driver, layers, archive } = await setup(t, Buffer.concat([gzipSync(tar({ name: 'a' })), Buffer.from('garbage')]));
  t.is(await code(t, driver.layers.unpack({ path: archive, target: join(layers, 'tree') })), 'E_IMAGE');
  t.is(await code(t, driver.layers.unpack({ path: `${archive}.nowhere`, target: join(layers, 'tree') })), 'E_IO');
  t.is(await code(t, driver.layers.unpack({ path: archive, target: join(layers, 'nowhere', 'tree') })), 'E_IO');
  t.is(await code(t, driver.layers.unpack({ path: archive, target: join(layers, 'tree'), maxEntries: 0 })), 'E_IMAGE');
  t.deepEqual(readdirSync(layers), []);
});
