import test from 'ava';
import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Socket } from 'node:net';
import { defineContract, call } from '#core/contracts/index.js';
import type { Progress } from '#core/contracts/index.js';
import { CoreError } from '#core/errors/index.js';
import { createLink, exported, type Link } from '#core/ipc/index.js';
import { decodePayload, encodeFrame, FrameReader } from '#core/ipc/frame.js';
import { HELLO, type Hello } from '#core/ipc/protocol.js';
import { Diary, linked, Probe, probe, socketPair, until } from './probe.js';

test('requests and results pass unchanged, groups and binary data included', async (t) => {
  const { probe } = await linked(t);
  const value = { text: 'ä€😀', list: [1, -1, 2 ** 40, 1.5], nothing: null, absent: undefined, bytes: new Uint8Array([0, 255]) };
  const back = (await probe.echo(value)) as typeof value;
  t.deepEqual({ ...back, bytes: [...back.bytes] }, { ...value, bytes: [0, 255] });
  t.true(back.bytes instanceof Uint8Array);
  t.is(await probe.math.add({ a: 2, b: 3 }), 5);
  t.true(Object.isFrozen(probe) && Object.isFrozen(probe.math));
});

test('both ends call each other over one link', async (t) => {
  const { far, probe } = await linked(t, { exports: [exported(Probe, { ...fresh(), echo: async () => 'from the near end' })] });
  t.is(await far.port(Probe).echo(1), 'from the near end');
  t.is(await probe.echo('from the far end'), 'from the far end');
});

function fresh(): Probe {
  return probe(new Diary());
}

test('an error arrives with everything it had', async (t) => {
  const { probe } = await linked(t);
  const error = await t.throwsAsync<CoreError>(probe.fail({ text: 'still used' }), { instanceOf: CoreError, code: 'E_IN_USE', message: 'still used' });
  t.deepEqual(error?.object, { kind: 'thing', id: 'x' });
  t.deepEqual(error?.issues, [{ path: 'a', message: 'b' }]);
  t.like(error?.cause, { errno: 'ENOSPC', code: 'E_IO' });
});

test('10,000 calls at once all get their own answer', async (t) => {
  const { probe } = await linked(t);
  const answers = await Promise.all(Array.from({ length: 10_000 }, (_, n) => probe.echo(n)));
  t.deepEqual(answers, Array.from({ length: 10_000 }, (_, n) => n));
});

test('calls over the other end\'s bound wait for their turn', async (t) => {
  const { probe: port, diary } = await linked(t, {}, { limits: { maxCalls: 2 } });
  const controllers = Array.from({ length: 4 }, () => new AbortController());
  const calls = controllers.map(({ signal }) => port.hang({}, { signal }).catch((error: CoreError) => error.code));
  const after = port.echo('after');
  t.true(await until(() => diary.open === 2));
  controllers[3]?.abort();
  t.is(await calls[3], 'E_ABORTED');
  controllers[0]?.abort();
  t.true(await until(() => diary.aborted.length === 1 && diary.open === 2));
  controllers[1]?.abort();
  t.is(await after, 'after');
  controllers[2]?.abort();
  t.deepEqual(await Promise.all(calls), ['E_ABORTED', 'E_ABORTED', 'E_ABORTED', 'E_ABORTED']);
});

test('progress comes in order and never after the answer', async (t) => {
  const { probe } = await linked(t);
  const seen: Progress[] = [];
  t.is(await probe.work({ steps: 500 }, { onProgress: (progress) => seen.push(progress) }), 500);
  const atAnswer = seen.length;
  await sleep(20);
  t.is(seen.length, atAnswer);
  const currents = seen.map(({ current }) => current ?? -1);
  t.deepEqual(currents, [...currents].sort((a, b) => a - b));
  t.is(currents.at(-1), 500);
  t.true(seen.every(({ phase }) => phase === 'work'));
});

test('a progress listener that throws fails no other call', async (t) => {
  const { probe } = await linked(t);
  const listener = (): void => {
    throw new Error('listener');
  };
  t.is(await probe.work({ steps: 3 }, { onProgress: listener }).catch((error: Error) => error.message), 3);
  t.is(await probe.echo('alive'), 'alive');
});

test('an abort reaches the implementation, and the call settles after it has unwound', async (t) => {
  const { probe, diary } = await linked(t);
  const controller = new AbortController();
  const pending = probe.hang({ unwindMs: 20 }, { signal: controller.signal });
  t.true(await until(() => diary.open === 1));
  controller.abort(new Error('enough'));
  await t.throwsAsync(pending, { code: 'E_ABORTED' });
  t.is(diary.open, 0);
  t.is((diary.aborted[0] as CoreError).code, 'E_ABORTED');
});

test('the far end aborts its own call to the near end just so', async (t) => {
  const diary = new Diary();
  const { far } = await linked(t, { exports: [exported(Probe, probe(diary))] });
  const controller = new AbortController();
  const pending = far.port(Probe).hang({}, { signal: controller.signal });
  t.true(await until(() => diary.open === 1));
  controller.abort();
  await t.throwsAsync(pending, { code: 'E_ABORTED' });
  t.is(diary.open, 0);
});

test('a call that was aborted before it began is never sent', async (t) => {
  const { probe, diary } = await linked(t);
  await t.throwsAsync(probe.hang({}, { signal: AbortSignal.abort() }), { code: 'E_ABORTED' });
  await probe.echo(1);
  t.is(diary.open + diary.aborted.length, 0);
});

test('one that ignores its abort is let go after the grace', async (t) => {
  const { probe } = await linked(t, { limits: { cancelGrace: 20 } });
  const controller = new AbortController();
  const pending = probe.deaf({}, { signal: controller.signal });
  controller.abort();
  await t.throwsAsync(pending, { code: 'E_ABORTED' });
});

test('a deadline fails the call and aborts the work', async (t) => {
  const { probe, diary } = await linked(t);
  await t.throwsAsync(probe.quick({}), { code: 'E_TIMEOUT', message: /probe@1 quick.*30 ms/ });
  t.true(await until(() => diary.open === 0 && diary.aborted.length === 1));
});

test('a signal used for many calls keeps no listener', async (t) => {
  const { probe } = await linked(t);
  const { signal } = new AbortController();
  for (let i = 0; i < 50; i++) await probe.echo(i, { signal });
  t.is(getEventListeners(signal, 'abort').length, 0);
});

test('a peer that is killed fails what it was asked and aborts what it had asked', async (t) => {
  const nearDiary = new Diary();
  const { near, far, probe: port, diary, sockets } = await linked(t, { exports: [exported(Probe, probe(nearDiary))] });
  const asked = far.port(Probe).hang({});
  const pending = [port.hang({}), port.hang({}), port.count({ to: 1e9, size: 1000 })[Symbol.asyncIterator]().next().then(() => port.hang({}))];
  t.true(await until(() => diary.open === 4 && nearDiary.open === 1));
  sockets[1].destroy();
  for (const one of [...pending, asked]) await t.throwsAsync(one, { code: 'E_CLOSED' });
  await near.closed;
  t.true(await until(() => nearDiary.open === 0 && diary.open === 0));
  t.is(near.reason?.code, 'E_CLOSED');
  await t.throwsAsync(port.echo(1), { code: 'E_CLOSED' });
});

test('close is idempotent, ends both ends and leaves no listener on the socket', async (t) => {
  const { near, far, probe, sockets } = await linked(t);
  const pending = probe.hang({});
  await Promise.all([near.close(), near.close()]);
  await t.throwsAsync(pending, { code: 'E_CLOSED' });
  await far.closed;
  t.is(far.reason?.code, 'E_CLOSED');
  t.true(sockets[0].destroyed && sockets[1].destroyed);
});

test('a request over the other end\'s limit fails alone; so does a result', async (t) => {
  const { probe } = await linked(t, { limits: { maxFrame: 5000 } }, { limits: { maxFrame: 100_000 }, exports: [exported(Probe, { ...fresh(), echo: async (n) => (typeof n === 'number' ? 'x'.repeat(n) : 'small') })] });
  await t.throwsAsync(probe.echo('x'.repeat(200_000)), { code: 'E_INVALID', message: /limit of 100000/ });
  await t.throwsAsync(probe.echo(6000), { code: 'E_INVALID', message: /limit of 5000/ });
  t.is(await probe.echo('x'.repeat(90_000)), 'small');
});

test('a method the other end does not know fails its call alone', async (t) => {
  const Newer = defineContract<{ echo: Probe['echo']; later: Probe['echo'] }>()('probe', 1, { echo: call(), later: call() });
  const { near } = await linked(t);
  const port = near.port(Newer);
  await t.throwsAsync(port.later(1), { code: 'E_UNSUPPORTED', message: /probe@1 later/ });
  t.is(await port.echo(1), 1);
});

test('a contract of another major version is refused with both versions', async (t) => {
  const Next = defineContract<{ echo: Probe['echo'] }>()('probe', 2, { echo: call() });
  const { near } = await linked(t);
  t.throws(() => near.port(Next), { code: 'E_UNPROVIDED', message: /probe@2.*probe@1/ });
});

test('an implementation that lacks a method is refused', async (t) => {
  const [near] = await socketPair(t);
  t.throws(() => createLink(near, { exports: [exported(Probe, { ...fresh(), math: {} } as never)] }), { code: 'E_PLUGIN', message: /math\.add/ });
});

test('authorize sees who comes, before anything is exported', async (t) => {
  const [near, far] = await socketPair(t);
  const asked: string[] = [];
  const farLink = createLink(far, {
    exports: [exported(Probe, fresh())],
    authorize: async ({ identity }) => {
      asked.push(identity.name);
      throw new CoreError('E_REFUSED', { message: 'not you' });
    },
  });
  const nearLink = createLink(near, { identity: { name: 'stranger' } });
  await t.throwsAsync(nearLink.handshake(), { code: 'E_REFUSED', message: 'not you' });
  await t.throwsAsync(farLink.handshake(), { code: 'E_REFUSED' });
  t.deepEqual(asked, ['stranger']);
});

test('a silent peer is given up', async (t) => {
  const [near] = await socketPair(t);
  await t.throwsAsync(createLink(near, { limits: { handshakeTimeout: 10 } }).handshake(), { code: 'E_TIMEOUT' });
});

const hello = (over: Partial<Hello> = {}): Buffer =>
  encodeFrame([HELLO, { protocol: 1, identity: { name: 'raw', version: '1', pid: 1 }, exports: [], limits: { maxFrame: 1000, maxCalls: 10 }, ...over }], 0);
const rawCall = (id: number): Buffer => encodeFrame([2, id, 'probe@1', 'deaf', {}, { progress: false, input: false, credit: 0 }], 0);

const faults: ReadonlyArray<readonly [string, Buffer, RegExp]> = [
  ['text of another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n'), /claims/],
  ['a hello of 1 GB', Buffer.from([0, 0, 0, 0x40]), /claims/],
  ['a frame of 17 MiB', Buffer.concat([hello(), Buffer.from([0, 0, 0x10, 0x01])]), /claims/],
  ['garbage in a frame', Buffer.concat([hello(), Buffer.from([2, 0, 0, 0, 0xc1, 0xc1])]), /./],
  ['a call before hello', rawCall(1), /before it said hello/],
  ['two hellos', Buffer.concat([hello(), hello()]), /twice/],
  ['a malformed hello', hello({ exports: 'all' as never }), /malformed/],
  ['an id used twice', Buffer.concat([hello(), rawCall(5), rawCall(5)]), /call 5 came after/],
  ['too many calls', Buffer.concat([hello(), rawCall(1), rawCall(2), rawCall(3)]), /more than 2 calls/],
  ['another protocol version', hello({ protocol: 7 }), /link protocol 1.*7/],
];
for (const [about, bytes, message] of faults) {
  test(`${about} ends the link, and the other end is told why`, async (t) => {
    const [near, raw] = await socketPair(t);
    const link = createLink(near, { exports: [exported(Probe, fresh())], limits: { maxCalls: 2 } });
    const told = lastWords(raw);
    raw.write(bytes);
    await link.closed;
    t.is(link.reason?.code, 'E_PROTOCOL');
    t.regex(link.reason?.message ?? '', message);
    t.regex((await told).message, message);
  });
}

async function lastWords(raw: Socket): Promise<{ code: string; message: string }> {
  const reader = new FrameReader(1 << 20);
  let last: unknown;
  for await (const chunk of raw) for (const payload of reader.feed(chunk as Buffer)) last = decodePayload(payload);
  return (last as [number, { code: string; message: string }])[1];
}

test('frames of sound shape in any order end a link or leave it working, nothing else', async (t) => {
  let seed = 7;
  const random = (below: number): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) % below;
  const header = { progress: true, input: true, credit: 1000 };
  const frames = (): unknown[] => [
    [2, random(9) + 1, 'probe@1', ['echo', 'deaf', 'count', 'upload', 'nothing'][random(5)], { to: 5, size: 10 }, header],
    [3, random(9) + 1], [4, random(9) + 1, random(5000)], [5, random(9) + 1, Buffer.alloc(random(300))], [6, random(9) + 1], [7, random(9) + 1, { code: 'E_IO', message: 'x' }],
    [8, random(9) + 1, 1], [9, random(9) + 1, { code: 'NONSENSE', message: 'x' }], [10, random(9) + 1, 1], [11, random(9) + 1], [12, random(9) + 1, { id: 'a', phase: 'b' }], [13, random(9) + 1, 10],
  ];
  for (let round = 0; round < 60; round++) {
    const [near, raw] = await socketPair(t);
    const link = createLink(near, { exports: [exported(Probe, fresh())], limits: { maxCalls: 4 } });
    raw.resume();
    raw.write(hello({ exports: [['probe', 1]] }));
    await link.handshake();
    const mine = [link.port(Probe).deaf({}), link.port(Probe).upload({}, { input: (async function* () { yield Buffer.alloc(10); })() })];
    const outcomes = Promise.allSettled(mine);
    for (let i = 0; i < 40; i++) raw.write(encodeFrame(frames()[random(12)], 0));
    await new Promise((resolve) => setTimeout(resolve, 2));
    if (link.reason) t.is(link.reason.code, 'E_PROTOCOL');
    await link.close();
    for (const outcome of await outcomes) if (outcome.status === 'rejected') t.true(outcome.reason instanceof CoreError);
  }
});

test.serial('a closed link leaves no timer and no handle', async (t) => {
  const before = process.getActiveResourcesInfo().length;
  const { near, far, probe } = await linked(t);
  const pending = [probe.hang({}), probe.quick({}), probe.count({ to: 10 })[Symbol.asyncIterator]().next()];
  await Promise.all([near.close(), far.close()]);
  await Promise.allSettled(pending);
  t.true(await until(() => process.getActiveResourcesInfo().length <= before));
});

test('an end that sends more of a stream than it was granted is cut off', async (t) => {
  const [near, raw] = await socketPair(t);
  const link: Link = createLink(near, { limits: { window: 100 } });
  raw.write(hello({ exports: [['probe', 1]] }));
  await link.handshake();
  const items = link.port(Probe).tick({});
  const first = items[Symbol.asyncIterator]().next();
  const item = encodeFrame([10, 1, 1], 0);
  raw.write(Buffer.concat([item, item, item, item]));
  t.is((await first).value, 1);
  await link.closed;
  t.regex(link.reason?.message ?? '', /granted/);
});
