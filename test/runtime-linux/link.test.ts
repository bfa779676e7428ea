/** Frames and connections, against a small server that speaks the executor's protocol byte by byte. */
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { Packr } from 'msgpackr';
import { Container } from '#runtime-linux/container.js';
import { Executor } from '#runtime-linux/executor.js';
import { attachProcess } from '#runtime-linux/lifecycle/process.js';
import type { ContainerRecord } from '#runtime-linux/records.js';
import { Connection } from '#runtime-linux/link/connection.js';
import { asCoreError, StepError } from '#runtime-linux/link/failure.js';
import { encodeFrame, FrameReader } from '#runtime-linux/link/frames.js';

const packr = new Packr({ useRecords: false, variableMapSize: true });

test('frames are cut wherever the bytes are', (t) => {
  const values = [[1, 0, { a: 1 }], [2, 2, [1, Buffer.from('x')]], [0, 'exit', { id: 'y'.repeat(300) }]];
  const bytes = Buffer.concat(values.map(encodeFrame));
  for (const size of [1, 2, 3, 5, 7, 64, bytes.length]) {
    const reader = new FrameReader();
    const seen: unknown[] = [];
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size), (frame) => seen.push(frame));
    t.deepEqual(seen, values, `in pieces of ${size}`);
  }
});

test('a frame that is too long is refused before its body is there', (t) => {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(128 * 1024 + 1);
  t.throws(() => new FrameReader().push(head, () => t.fail()), { code: 'E_PROTOCOL' });
});

test('a frame that is no array is refused', (t) => {
  t.throws(() => new FrameReader().push(encodeFrame({ not: 'an array' }), () => t.fail()), { code: 'E_PROTOCOL' });
});

test('a request larger than the executor takes is refused', (t) => {
  t.throws(() => encodeFrame([1, 'start', Buffer.alloc(5 * 1024 * 1024)]), { code: 'E_INVALID' });
});

test('64-bit numbers go out as integers', (t) => {
  const body = encodeFrame([0xffff_ffff_ffff_ffffn, 0x1_0000_0000n]).subarray(4);
  t.is(body.toString('hex'), '92cfffffffffffffffffd30000000100000000');
});

interface Talk {
  readonly path: string;
  readonly asked: unknown[][];
}

/** `answer` gets each request and the socket to answer on. */
async function withServer(folder: string, answer: (request: unknown[], send: (frame: unknown) => void, socket: Socket) => void, work: (talk: Talk) => Promise<void>): Promise<void> {
  const base = await mkdtemp(join(tmpdir(), 'core-link-'));
  const place = join(base, folder);
  await mkdir(place, { recursive: true });
  const asked: unknown[][] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const reader = new FrameReader();
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) =>
      reader.push(chunk, (frame) => {
        asked.push([...frame]);
        answer([...frame], (reply) => socket.write(encodeFrame(reply)), socket);
      }),
    );
  });
  // A long path cannot be bound either: the server binds through a descriptor of the folder.
  const handle = await open(place, 'r');
  await new Promise<void>((resolve) => server.listen(`/proc/self/fd/${handle.fd}/ctl`, resolve));
  try {
    await work({ path: join(place, 'ctl'), asked });
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    await handle.close();
    await rm(base, { recursive: true });
  }
}

test.serial('answers find their requests, in any order; notices and items go where they belong', (t) =>
  withServer('a', ([seq], send) => {
    if (seq !== 2) return;
    send([0, 'oom', { id: 'web' }]);
    send([2, 2, 'item']);
    send([2, 0, 'second']);
    send([1, 0, 'first']);
    send([2, 2, 'late']);
  }, async ({ path }) => {
    const notices: unknown[] = [];
    const items: unknown[] = [];
    const connection = await Connection.open(path, (name, argument) => notices.push([name, argument]));
    const first = connection.request('one', {});
    const second = connection.request('two', {}, { onItem: (item) => items.push(item) });
    t.deepEqual(await Promise.all([first, second]), ['first', 'second']);
    await new Promise((resolve) => setTimeout(resolve, 20));
    t.deepEqual(notices, [['oom', { id: 'web' }]]);
    t.deepEqual(items, ['item', 'late']);
    connection.close();
  }));

test.serial('a path longer than an address holds', (t) =>
  withServer('x'.repeat(120), ([seq], send) => send([seq, 0, 'there']), async ({ path }) => {
    t.true(path.length > 107);
    const connection = await Connection.open(path);
    t.is(await connection.request('hello', {}), 'there');
    connection.close();
  }));

test.serial('a refusal carries step, index and errno', (t) =>
  withServer('a', ([seq], send) => send([seq, 1, { step: 'mount', index: 3, errno: 2, message: 'no such place' }]), async ({ path }) => {
    const connection = await Connection.open(path);
    const error = await t.throwsAsync(connection.request('start', {}), { instanceOf: StepError });
    t.like(asCoreError(error), { code: 'E_SETUP', step: 'mount', errno: 'ENOENT', message: 'step 3 (mount): no such place (ENOENT)' });
    connection.close();
  }));

test.serial('what is pending when the other end goes is told so, and later requests are too', (t) =>
  withServer('a', (_, __, socket) => socket.destroy(), async ({ path }) => {
    const connection = await Connection.open(path);
    await t.throwsAsync(connection.request('start', {}), { code: 'E_EXECUTOR' });
    await connection.closed;
    t.false(connection.isOpen);
    await t.throwsAsync(connection.request('start', {}), { code: 'E_EXECUTOR' });
  }));

test.serial('nonsense ends the connection, and the requests learn why', (t) =>
  withServer('a', (_, __, socket) => socket.write(Buffer.concat([Buffer.from([5, 0, 0, 0]), packr.pack('text')])), async ({ path }) => {
    const connection = await Connection.open(path);
    await t.throwsAsync(connection.request('start', {}), { code: 'E_PROTOCOL' });
    await connection.closed;
  }));

const failures: Array<[step: string, errno: number, code: string]> = [
  ['exec', 2, 'E_COMMAND'],
  ['exec', 13, 'E_COMMAND'],
  ['exec', 8, 'E_SETUP'],
  ['mount', 2, 'E_SETUP'],
  ['unpack', 125, 'E_ABORTED'],
];
for (const [step, errno, code] of failures) {
  test(`${step} failing with ${errno} is ${code}`, (t) => {
    t.is(asCoreError(new StepError({ step, index: 0, errno, message: 'x' })).code, code as never);
  });
}

test('a missing executor says where it should be', async (t) => {
  const runRoot = await mkdtemp(join(tmpdir(), 'core-executor-'));
  const executor = new Executor({ path: '/nowhere/core-executor', runRoot, keep: [], tree: '/nowhere/containers', groups: [], lease: true, onNotice: () => {}, onLost: () => {} });
  const error = await t.throwsAsync(executor.request('hello', {}), { code: 'E_EXECUTOR' });
  t.true(error?.message.includes('/nowhere/core-executor'));
  await executor.close({ idle: true });
  await rm(runRoot, { recursive: true });
});

test('an executor that ends at once is told with its words', async (t) => {
  const runRoot = await mkdtemp(join(tmpdir(), 'core-executor-'));
  const executor = new Executor({ path: '/bin/false', runRoot, keep: [], tree: '/nowhere/containers', groups: [], lease: true, onNotice: () => {}, onLost: () => {} });
  await t.throwsAsync(executor.request('hello', {}), { code: 'E_EXECUTOR', message: /ended at once/ });
  await executor.close({ idle: true });
  await rm(runRoot, { recursive: true });
});

test.serial('a stream that is aborted while it is being asked for, on a connection another had before, is not asked for again', (t) => {
  const controller = new AbortController();
  return withServer('spare', () => controller.abort(), async ({ path, asked }) => {
    const container = new Container('web', { dir: dirname(path), state: '/none', upper: '/none', work: '/none', cgroup: '/none' }, {} as ContainerRecord);
    container.markRunning(1, 1);
    container.spare = await Connection.open(path);
    await t.throwsAsync(attachProcess({ container, request: { id: 'web' }, call: { signal: controller.signal } }).next(), { code: 'E_ABORTED' });
    t.is(asked.length, 1);
    t.falsy(container.spare?.isOpen);
  });
});
