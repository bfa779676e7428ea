import test from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CoreError } from '#core/errors/index.js';
import { bootLab, children, isAlive, labEntry } from './lab-kernel.js';
import { makeLab, type Lab } from './lab-plugin.js';
import { eventually } from '#core/testing/check.js';

const call = { signal: new AbortController().signal };
const spec = { ociVersion: '1.2.0' };
const requested = (name: string): never => ({ id: name, name, settings: {}, image: {} }) as never;

test('the plugin runs in a process of its own, behind the same port', async (t) => {
  const { lab, kernel } = await bootLab(t, labEntry({ tag: 'a' }));
  const facts = await lab.facts({});
  t.not(facts.pid, process.pid);
  t.deepEqual(facts.config, { tag: 'a' });
  t.false(facts.hasAbsent);
  t.is(await lab.nested.double({ n: 21 }), 42);
  t.is(await lab.ask({ name: 'world' }), 'hello world');
  t.deepEqual(await lab.listen({ count: 3 }), ['word 1', 'word 2', 'word 3']);
  t.like(kernel.plugins().find(({ name }) => name === 'lab'), { isolation: 'process', state: 'running' });
});

test('streams, input, errors and aborts cross the border', async (t) => {
  const { lab } = await bootLab(t);
  const seen: number[] = [];
  for await (const n of lab.count({ to: 1000 })) seen.push(n);
  t.is(seen.length, 1000);
  async function* input(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 20; i++) yield new Uint8Array(50_000);
  }
  t.is(await lab.upload({}, { input: input() }), 1_000_000);
  await t.throwsAsync(lab.fail({}), { code: 'E_IN_USE', message: 'from the child' });
  const controller = new AbortController();
  const hanging = lab.hang({}, { signal: controller.signal });
  controller.abort();
  await t.throwsAsync(hanging, { code: 'E_ABORTED' });
});

test('the child gets a minimal environment', async (t) => {
  process.env.SECRET_OF_THE_KERNEL = 'x';
  process.env.NODE_OPTIONS ??= '';
  const { lab } = await bootLab(t);
  const { env } = await lab.facts({});
  t.deepEqual(env.filter((name) => !['PATH', 'TZ', 'LANG'].includes(name)), []);
});

test('hooks are tapped from the child: reduce, claim and pair', async (t) => {
  const { kernel, lab } = await bootLab(t, labEntry({ tag: 'x' }));
  t.is((await kernel.hooks.container.spec.run(spec, requested('web'), call)).hostname, 'x-web');
  await t.throwsAsync(async () => kernel.hooks.container.spec.run(spec, requested('bad'), call), { code: 'E_HOOK', message: /lab refuses/ });
  t.deepEqual(await kernel.hooks.container.admit.run(requested('unwanted'), call), { reason: 'unwanted here' });
  t.is(await kernel.hooks.container.admit.run(requested('wanted'), call), undefined);
  const undo = await kernel.hooks.container.assemble.run(requested('web'), call);
  await undo();
  t.deepEqual((await lab.facts({})).sawEvents.filter((seen) => !seen.includes('.')), ['assembled', 'taken apart']);
  t.deepEqual(kernel.hookMap().find(({ name }) => name === 'container.assemble')?.taps, ['lab/pair']);
});

test('log, output, events and state pass through', async (t) => {
  const { kernel, lab, logged } = await bootLab(t, labEntry({ tag: 'z' }));
  t.like(logged.find(({ msg }) => msg === 'lab is up'), { level: 'warn', plugin: 'lab', tag: 'z' });
  await lab.say({ text: 'printed by the child' });
  await eventually(() => logged.some(({ msg, stream }) => msg === 'printed by the child' && stream === 'stdout'), 'the output is logged');
  const heard: string[] = [];
  kernel.events.on(({ type }) => heard.push(type));
  await lab.announce({ type: 'lab.news' });
  await eventually(() => heard.includes('lab.news'), 'the event reaches the kernel');
  await eventually(async () => (await lab.facts({})).sawEvents.includes('lab.news'), 'and comes back to the child');
  t.deepEqual(await lab.remember({ key: 'k', value: { n: 1 } }), [{ n: 1 }, [['k', { n: 1 }]]]);
});

test('files outside the permissions, programs and addons are out of reach', async (t) => {
  const { lab, folder } = await bootLab(t);
  await writeFile(join(folder, 'secret'), 'secret');
  await t.throwsAsync(lab.files({ read: join(folder, 'secret') }), { code: 'E_PERMISSION', message: /FileSystemRead .*secret/ });
  await t.throwsAsync(lab.files({ write: join(folder, 'new') }), { code: 'E_PERMISSION', message: /FileSystemWrite .*new/ });
  await t.throwsAsync(lab.files({ program: '/bin/true' }), { code: 'E_PERMISSION', message: /ChildProcess/ });
  await t.throwsAsync(readFile(join(folder, 'new')), { code: 'ENOENT' });
});

test('what the permissions name is within reach', async (t) => {
  const { lab } = await bootLab(t, labEntry({}, { plugin: makeLab('1.0.0', ['exec', 'fs:/tmp']) }));
  const path = `/tmp/core-lab-${process.pid}`;
  t.teardown(() => rm(path, { force: true }));
  t.is(await lab.files({ write: path }), 'done');
  t.is(await lab.files({ read: path }), 'written');
  t.is(await lab.files({ program: '/bin/true' }), '0');
  t.is(await lab.files({ program: '/bin/rm' }), '1');
});

async function pidOf(lab: Lab): Promise<number | undefined> {
  return (await lab.facts({}).catch(() => undefined))?.pid;
}

for (const how of ['exit', 'kill', 'throw'] as const) {
  test(`a child that dies (${how}) fails its calls, harms nobody else, and is brought back`, async (t) => {
    const { kernel, lab } = await bootLab(t, labEntry({ tag: 'again' }));
    const { pid } = await lab.facts({});
    const pending = [lab.hang({}), lab.die({ how })];
    for (const one of pending) await t.throwsAsync(one, { code: 'E_CLOSED' });
    await eventually(async () => ![pid, undefined].includes(await pidOf(lab)), 'it is back');
    const facts = await lab.facts({});
    t.false(await isAlive(pid));
    t.is(facts.previous, undefined);
    t.is((await kernel.hooks.container.spec.run(spec, requested('web'), call)).hostname, 'again-web');
    t.deepEqual(kernel.hookMap().find(({ name }) => name === 'container.spec')?.taps.length, 1);
  });
}

test('without restarts it stays failed, with the reason and its last words', async (t) => {
  const { kernel, lab, logged } = await bootLab(t, labEntry(), { restart: false });
  await t.throwsAsync(lab.die({ how: 'throw' }), { code: 'E_CLOSED' });
  await eventually(() => kernel.plugins().find(({ name }) => name === 'lab')?.state === 'failed', 'it is failed');
  await t.throwsAsync(lab.nested.double({ n: 1 }), { code: 'E_CLOSED', message: /nobody catches this/ });
  t.true(logged.some(({ level, msg }) => level === 'error' && /ended by itself/.test(msg)));
  await kernel.swap('lab', labEntry({ tag: 'mended' }));
  t.is(await lab.nested.double({ n: 2 }), 4);
});

test('while it is down its taps refuse: a policy that is gone must not pass for one that agrees', async (t) => {
  const { kernel, lab } = await bootLab(t, labEntry(), { restart: false });
  t.is(await kernel.hooks.container.admit.run(requested('web'), call), undefined);
  await t.throwsAsync(lab.die({ how: 'kill' }), { code: 'E_CLOSED' });
  await eventually(() => kernel.plugins().find(({ name }) => name === 'lab')?.state === 'failed', 'it is failed');
  await t.throwsAsync(async () => kernel.hooks.container.admit.run(requested('web'), call), { code: 'E_HOOK', message: /process of lab is gone/ });
  await kernel.swap('lab', labEntry());
  t.is(await kernel.hooks.container.admit.run(requested('web'), call), undefined);
  await kernel.close();
  t.deepEqual(kernel.hookMap().flatMap(({ taps }) => taps), []);
});

test('restarts end after the limit', async (t) => {
  const { kernel, lab, logged, folder } = await bootLab(t, labEntry({ tag: 'x' }), { restart: { delay: 1, limit: 2 } });
  for (let round = 0; round < 3; round++) {
    await t.throwsAsync(lab.die({ how: 'kill' }), { code: 'E_CLOSED' });
    if (round < 2) await eventually(async () => (await pidOf(lab)) !== undefined, 'it is back');
  }
  await eventually(() => logged.some(({ msg }) => /given up after 2 restarts/.test(msg)), 'it is given up');
  t.is(kernel.plugins().find(({ name }) => name === 'lab')?.state, 'failed');
  t.truthy(folder);
});

test('a stream breaks off when the child dies in the middle of it', async (t) => {
  const { lab } = await bootLab(t);
  const seen: number[] = [];
  await t.throwsAsync(async () => {
    for await (const n of lab.count({ to: 100_000, dieAt: 50_000 })) seen.push(n);
  }, { code: 'E_CLOSED' });
  t.deepEqual(seen, seen.map((_, i) => i + 1));
});

const failures: ReadonlyArray<readonly [string, Record<string, unknown>, RegExp]> = [
  ['throws', { setup: 'throw' }, /the lab cannot start/],
  ['ends its process', { setup: 'exit' }, /ended with code 9; its last words: last words of the lab/],
  ['taps what the kernel refuses', { setup: 'bad-tap' }, /nobody-by-that-name/],
];
for (const [about, config, message] of failures) {
  test.serial(`a setup that ${about} fails the boot with the reason, and leaves no process`, async (t) => {
    const before = await children();
    await t.throwsAsync(bootLab(t, labEntry(config)), { code: 'E_PLUGIN', message });
    t.deepEqual((await children()).filter((pid) => !before.includes(pid)), []);
  });
}

for (const setup of ['hang', 'spin'] as const) {
  test.serial(`a boot can be aborted while the setup does not return (${setup})`, async (t) => {
    const before = await children();
    const controller = new AbortController();
    const booting = bootLab(t, labEntry({ setup }), { signal: controller.signal });
    await eventually(async () => (await children()).length > before.length, 'the child is there');
    setTimeout(() => controller.abort(), 150);
    await t.throwsAsync(booting, { code: 'E_ABORTED' });
    t.deepEqual((await children()).filter((pid) => !before.includes(pid)), []);
  });
}

test('a module that is not there, or no plugin, is refused', async (t) => {
  await t.throwsAsync(bootLab(t, labEntry({}, { module: '/no/such/module.js' })), { code: 'E_PLUGIN', message: /there is no module/ });
  await t.throwsAsync(bootLab(t, labEntry({}, { module: new URL('lab-kernel.js', import.meta.url).href })), { code: 'E_PLUGIN', message: /no plugin as its default export/ });
});

test('sandbox is refused, with the way out', async (t) => {
  const error = await t.throwsAsync<CoreError>(bootLab(t, labEntry({}, { isolation: 'sandbox' })), { code: 'E_PLUGIN', message: /sandbox/ });
  t.like(error?.cause, { code: 'E_UNSUPPORTED' });
  t.regex(error?.hint ?? '', /process/);
});

test('a swap brings the next version up in a new child, hands state over and loses no call', async (t) => {
  const { kernel, lab } = await bootLab(t, labEntry({ tag: 'old' }));
  const { pid } = await lab.facts({});
  const swap = { done: false };
  const answers: number[] = [];
  const caller = (async () => {
    for (let n = 0; !swap.done; n++) answers.push((await lab.nested.double({ n })) - 2 * n);
  })();
  await kernel.swap('lab', labEntry({ tag: 'new' }));
  swap.done = true;
  await caller;
  t.true(answers.length > 0 && answers.every((difference) => difference === 0));
  const facts = await lab.facts({});
  t.not(facts.pid, pid);
  t.deepEqual(facts.previous, { from: '1.0.0', tag: 'old' });
  t.is((await kernel.hooks.container.spec.run(spec, requested('web'), call)).hostname, 'new-web');
  await eventually(async () => !(await isAlive(pid)), 'the former child is gone');
});

test('a swap that fails puts the old child back, its taps and state included', async (t) => {
  const { kernel, lab } = await bootLab(t, labEntry({ tag: 'old' }));
  const { pid } = await lab.facts({});
  await t.throwsAsync(kernel.swap('lab', labEntry({ setup: 'throw' })), { code: 'E_SWAP', message: /the lab cannot start/ });
  await t.throwsAsync(kernel.swap('lab', labEntry({ setup: 'exit' })), { code: 'E_SWAP' });
  const facts = await lab.facts({});
  t.is(facts.pid, pid);
  t.deepEqual(facts.sawEvents.filter((seen) => seen === 'took back').length, 2);
  t.is((await kernel.hooks.container.spec.run(spec, requested('web'), call)).hostname, 'old-web');
});

test('a plugin moves out of the process, and back in, by a swap', async (t) => {
  const { kernel, lab } = await bootLab(t, labEntry({ tag: 'in' }, { isolation: 'none' }));
  t.is((await lab.facts({})).pid, process.pid);
  await kernel.swap('lab', labEntry({ tag: 'out' }));
  t.not((await lab.facts({})).pid, process.pid);
  await kernel.swap('lab', labEntry({ tag: 'back' }, { isolation: 'none' }));
  t.is((await lab.facts({})).pid, process.pid);
  t.deepEqual((await lab.facts({})).previous, { from: '1.0.0', tag: 'out' });
});

test('closing the kernel closes the plugin in its process, and the process', async (t) => {
  const { kernel, lab, logged } = await bootLab(t, labEntry({ tag: 'bye' }));
  const { pid } = await lab.facts({});
  await kernel.close();
  t.false(await isAlive(pid));
  t.true(logged.some(({ msg }) => msg === 'lab is closing'));
  t.false(logged.some(({ level }) => level === 'error'));
  t.deepEqual(kernel.effects(), []);
});

test('when the kernel is killed, its children end by themselves', async (t) => {
  const program = `
    const { bootLab, labEntry } = await import(${JSON.stringify(new URL('lab-kernel.js', import.meta.url).href)});
    const { lab, folder } = await bootLab({ teardown() {} }, labEntry());
    console.log((await lab.facts({})).pid, folder);
    setInterval(() => {}, 1000);
  `;
  const kernel = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(kernel.stdout, 'data')) as [Buffer];
  const [pid, folder] = [Number.parseInt(line.toString(), 10), line.toString().trim().split(' ')[1] as string];
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  t.true(await isAlive(pid));
  kernel.kill('SIGKILL');
  await once(kernel, 'exit');
  await eventually(async () => !(await isAlive(pid)), 'the child is gone');
});

