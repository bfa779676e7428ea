/** A contract with a method of every kind, and an implementation that tells what was done to it. For the tests of this folder. */
import { connect, createServer, type Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { call, defineContract, stream, type CallOptions } from '#core/contracts/index.js';
import { CoreError } from '#core/errors/index.js';
import { createLink, exported, type Link, type LinkOptions } from '#core/ipc/index.js';

export interface Probe {
  echo(request: unknown, call?: CallOptions): Promise<unknown>;
  fail(request: { readonly text: string }, call?: CallOptions): Promise<never>;
  /** Never answers; rejects when aborted. */
  hang(request: { readonly unwindMs?: number }, call?: CallOptions): Promise<never>;
  /** Ignores its signal. */
  deaf(request: Record<string, never>, call?: CallOptions): Promise<never>;
  quick(request: Record<string, never>, call?: CallOptions): Promise<never>;
  work(request: { readonly steps: number }, call?: CallOptions): Promise<number>;
  upload(request: { readonly take?: number }, call?: CallOptions): Promise<{ readonly bytes: number; readonly text: string }>;
  count(request: { readonly to: number; readonly size?: number; readonly failAt?: number }, call?: CallOptions): AsyncIterable<{ readonly n: number; readonly pad: Uint8Array }>;
  tick(request: Record<string, never>, call?: CallOptions): AsyncIterable<number>;
  shout(request: Record<string, never>, call?: CallOptions): AsyncIterable<string>;
  readonly math: { add(request: { readonly a: number; readonly b: number }, call?: CallOptions): Promise<number> };
}

export const Probe = defineContract<Probe>()('probe', 1, {
  echo: call(), fail: call(), hang: call({ deadline: 0 }), deaf: call({ deadline: 0 }), quick: call({ deadline: 30 }), work: call(),
  upload: call({ input: true }), count: stream(), tick: stream(), shout: stream({ input: true }),
  math: { add: call() },
});

/** What an implementation has lived through. */
export class Diary {
  produced = 0;
  open = 0;
  readonly aborted: unknown[] = [];
}

export function probe(diary = new Diary()): Probe {
  return {
    echo: async (request) => request,
    fail: async ({ text }) => {
      throw new CoreError('E_IN_USE', { message: text, object: { kind: 'thing', id: 'x' }, issues: [{ path: 'a', message: 'b' }], cause: new CoreError('E_IO', { message: 'below', errno: 'ENOSPC' }) });
    },
    hang: ({ unwindMs = 0 }, call) => hang(diary, unwindMs, call),
    deaf: () => new Promise(() => undefined),
    quick: (_request, call) => hang(diary, 0, call),
    async work({ steps }, call) {
      for (let current = 1; current <= steps; current++) call?.onProgress?.({ id: 'job', phase: 'work', current, total: steps });
      setTimeout(() => call?.onProgress?.({ id: 'job', phase: 'too late' }), 5);
      return steps;
    },
    async upload({ take }, call) {
      let bytes = 0;
      let text = '';
      for await (const chunk of call?.input ?? []) {
        bytes += chunk.length;
        if (text.length < 100) text += Buffer.from(chunk).toString();
        if (take !== undefined && bytes >= take) break;
      }
      return { bytes, text: text.slice(0, 100) };
    },
    count: (request) => count(diary, request),
    tick: (_request, call) => tick(diary, call),
    async *shout(_request, call) {
      for await (const chunk of call?.input ?? []) yield Buffer.from(chunk).toString().toUpperCase();
    },
    math: { add: async ({ a, b }) => a + b },
  };
}

function hang(diary: Diary, unwindMs: number, call?: CallOptions): Promise<never> {
  diary.open++;
  return new Promise((_resolve, reject) => {
    call?.signal?.addEventListener('abort', () => {
      diary.aborted.push(call.signal?.reason);
      setTimeout(() => {
        diary.open--;
        reject(call.signal?.reason as Error);
      }, unwindMs);
    });
  });
}

async function* count(diary: Diary, { to, size = 1, failAt }: { to: number; size?: number; failAt?: number }): AsyncGenerator<{ n: number; pad: Uint8Array }> {
  diary.open++;
  try {
    for (let n = 1; n <= to; n++) {
      if (n === failAt) throw new CoreError('E_IO', { message: 'the source broke' });
      diary.produced++;
      yield { n, pad: new Uint8Array(size) };
    }
  } finally {
    diary.open--;
  }
}

async function* tick(diary: Diary, call?: CallOptions): AsyncGenerator<number> {
  diary.open++;
  try {
    for (let n = 0; ; n++) {
      if (n >= 3) await new Promise((_resolve, reject) => call?.signal?.addEventListener('abort', () => reject(call.signal?.reason as Error)));
      yield n;
    }
  } finally {
    diary.aborted.push(call?.signal?.reason);
    diary.open--;
  }
}

/** Both ends of a connected unix socket. */
export async function socketPair(t: ExecutionContext): Promise<[Socket, Socket]> {
  const folder = await mkdtemp(join(tmpdir(), 'ipc-'));
  const path = join(folder, 's');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const near = connect(path);
  const far = await accepted;
  await new Promise<void>((resolve) => (near.connecting ? near.once('connect', resolve) : resolve()));
  server.close();
  // A test that speaks raw gets to see resets that a link takes as its end.
  for (const socket of [near, far]) socket.on('error', () => undefined);
  await rm(folder, { recursive: true, force: true });
  t.teardown(() => {
    near.destroy();
    far.destroy();
  });
  return [near, far];
}

export interface Pair {
  readonly near: Link;
  readonly far: Link;
  readonly probe: Probe;
  readonly diary: Diary;
  readonly sockets: readonly [Socket, Socket];
}

/** Two links that have shaken hands; `probe` is the far end's, seen from the near one. */
export async function linked(t: ExecutionContext, near: LinkOptions = {}, far: LinkOptions = {}): Promise<Pair> {
  const sockets = await socketPair(t);
  const diary = new Diary();
  const farLink = createLink(sockets[1], { exports: [exported(Probe, probe(diary))], ...far });
  const nearLink = createLink(sockets[0], near);
  await Promise.all([nearLink.handshake(), farLink.handshake()]);
  return { near: nearLink, far: farLink, probe: nearLink.port(Probe), diary, sockets };
}

/** Waits until it holds, a bounded number of turns of the event loop. */
export async function until(holds: () => boolean, turns = 10_000): Promise<boolean> {
  for (let i = 0; i < turns; i++) {
    if (holds()) return true;
    await turn();
  }
  return holds();
}
