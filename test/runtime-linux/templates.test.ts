/** Plans made from that of a like container are, byte for byte, the plans that would have been compiled. */
import type { ContainerSettings } from '@core/core/plugin';
import test from 'ava';
import { encode, Encoded, encodeFrame, encodeRequest } from '#runtime-linux/link/frames.js';
import { compilePlan } from '#runtime-linux/plan/index.js';
import { PlanTemplates } from '#runtime-linux/plan/templates.js';
import { recordText } from '#runtime-linux/records.js';
import { buildSpec } from '#runtime-linux/spec/index.js';
import { machine, settings, specDefaults } from './helpers/machines.js';

const io = { stdin: false, stdinOnce: false, log: {} };
const rootfs = { kind: 'overlay', lowers: ['/layers/a'] } as const;
const idOf = (digit: string): string => `${digit}0123456789abcdef`.repeat(4).slice(0, 64);

async function compiled(id: string, over: Partial<ContainerSettings> = {}): Promise<{ text: string; bytes: Buffer }> {
  const spec = await buildSpec({ id, settings: settings(over), image: {} }, specDefaults);
  const text = recordText({ spec, rootfs, io });
  const [containers, dir, cgroup] = ['/var/lib/core/containers', `/run/core/c/${id}`, `/core/0123456789ab/${id}`];
  const paths = { dir, cgroup, state: `${containers}/kept/${id}`, upper: `${containers}/upper/${id}`, work: `${containers}/work/${id}` };
  return { text, bytes: encode(compilePlan({ id, spec, rootfs, io, paths, host: machine('hybrid'), record: Buffer.from(text) })).bytes };
}

for (const [title, over] of [
  ['the defaults', {}],
  ['limits and mounts', { memory: 1 << 28, cpus: 2, mounts: [{ type: 'tmpfs', target: '/x' }] }],
  ['a user namespace', { namespaces: { user: 'private' } }],
  ['a hostname of its own', { hostname: 'box' }],
] as Array<[string, Partial<ContainerSettings>]>) {
  test(title, async (t) => {
    const templates = new PlanTemplates();
    const one = await compiled(idOf('1'), over);
    const two = await compiled(idOf('2'), over);
    const key = templates.key(idOf('1'), one.text) as string;
    t.is(templates.instance(key, idOf('1')), undefined);
    templates.learn(key, { id: idOf('1'), bytes: one.bytes });
    t.is(templates.key(idOf('2'), two.text), key);
    t.true(templates.instance(key, idOf('2'))?.equals(two.bytes));
    t.true(templates.instance(key, idOf('1'))?.equals(one.bytes), 'the template itself is not written to');
  });
}

test('containers that differ have keys that differ', async (t) => {
  const templates = new PlanTemplates();
  const keys = new Set<string | undefined>();
  const variants: Array<Partial<ContainerSettings>> = [{}, { env: { A: 'b' } }, { command: ['/bin/false'] }, { pids: 5 }, { capabilities: { add: ['SYS_ADMIN'] } }, { seccomp: 'unconfined' }, { hostname: 'box' }, { readonly: true }];
  for (const over of variants) keys.add(templates.key(idOf('1'), (await compiled(idOf('1'), over)).text));
  t.is(keys.size, variants.length);
});

test('short ids, which may stand anywhere by chance, have none', (t) => {
  t.is(new PlanTemplates().key('web', '{}'), undefined);
  t.is(new PlanTemplates().key('A'.repeat(64), '{}'), undefined);
});

test('the oldest template makes room', (t) => {
  const templates = new PlanTemplates();
  for (let n = 0; n < 40; n += 1) templates.learn(`key ${n}`, { id: idOf('1'), bytes: Buffer.from('x') });
  t.is(templates.instance('key 0', idOf('2')), undefined);
  t.true(templates.instance('key 39', idOf('2'))?.equals(Buffer.from('x')));
});

test('an encoded argument goes out as it is', (t) => {
  const plan = { id: 'web', list: [1, 'two', Buffer.from('three')] };
  for (const seq of [1, 200, 70_000]) t.true(Buffer.concat(encodeRequest(seq, 'start', encode(plan))).equals(encodeFrame([seq, 'start', plan])));
  t.throws(() => encodeRequest(1, 'start', new Encoded(Buffer.alloc(5 * 1024 * 1024))), { code: 'E_INVALID' });
});
