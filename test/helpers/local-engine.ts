/**
 * An engine without isolation for tests of shells and pipes: a "container" is a name, an exec a child process of this
 * machine in a process group of its own. Comes in: nothing. Goes out: the part of `Engine` such tests use, and what is still running.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { CoreError } from '#core/errors/index.js';
import type { CallOptions, ContainerInfo, Engine, ProcessEvent } from '#core/contracts/index.js';

export interface LocalEngine {
  readonly engine: Engine;
  /** Processes that have not ended. */
  readonly running: ReadonlyMap<string, ChildProcess>;
  /** Containers that have not been removed. */
  readonly containers: ReadonlyMap<string, ContainerInfo>;
}

type ExecRequest = Parameters<Engine['containers']['exec']>[0];

export function localEngine(): LocalEngine {
  const running = new Map<string, ChildProcess>();
  const containers = new Map<string, ContainerInfo>();

  async function* exec(request: ExecRequest, { signal, input }: CallOptions = {}): AsyncGenerator<ProcessEvent> {
    signal?.throwIfAborted();
    const { args, cwd, env = [], stdin = false } = request;
    const variables = Object.fromEntries(env.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
    const child = spawn(args[0] ?? '', args.slice(1), { cwd, env: { PATH: process.env['PATH'], ...variables }, detached: true, stdio: [stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
    // By hand: `once` of node:events would reject with the error that the next line already tells of.
    const closed = new Promise<[number | null, string | null]>((resolve) => child.once('close', (code, by) => resolve([code, by])));
    await once(child, 'spawn').catch((error: Error) => {
      throw new CoreError('E_COMMAND', { message: error.message, errno: 'ENOENT' });
    });
    const execId = randomBytes(4).toString('hex');
    running.set(execId, child);
    const abort = (): boolean => signalGroup(child, 'SIGKILL');
    signal?.addEventListener('abort', abort);
    try {
      void feed(child, input);
      yield { type: 'started', execId, pid: child.pid ?? 0 };
      yield* outputOf(child);
      const [code, by] = await closed;
      signal?.throwIfAborted();
      yield { type: 'exit', exitCode: code ?? 128 + (by === 'SIGPIPE' ? 13 : by === 'SIGTERM' ? 15 : 9), ...(by && { signal: by }) };
    } finally {
      signal?.removeEventListener('abort', abort);
      signalGroup(child, 'SIGKILL');
      running.delete(execId);
    }
  }

  const operations = {
    exec,
    async run({ image, command = [] }: { image: string; command?: readonly string[] }): Promise<ContainerInfo> {
      const id = randomBytes(32).toString('hex');
      const info: ContainerInfo = { id, name: id.slice(0, 12), image, imageId: image, command, state: 'running', createdAt: Date.now(), labels: {} };
      containers.set(id, info);
      return info;
    },
    async remove({ container }: { container: string }): Promise<void> {
      containers.delete(container);
    },
    async kill({ execId = '', signal = 'SIGKILL' }: { execId?: string; signal?: string }): Promise<void> {
      const child = running.get(execId);
      if (child) signalGroup(child, signal as NodeJS.Signals);
    },
  };
  return { engine: { containers: operations } as unknown as Engine, running, containers };
}

/** Both streams, a chunk at a time and only as fast as they are taken. */
async function* outputOf({ stdout, stderr }: ChildProcess): AsyncGenerator<ProcessEvent> {
  const sources = new Map((['stdout', 'stderr'] as const).map((type) => [type, (type === 'stdout' ? stdout : stderr)?.[Symbol.asyncIterator]()]));
  const pending = new Map([...sources].map(([type, source]) => [type, next(type, source)]));
  while (pending.size > 0) {
    const { type, result } = await Promise.race(pending.values());
    if (result?.done !== false) pending.delete(type);
    else {
      yield { type, data: result.value as Uint8Array };
      pending.set(type, next(type, sources.get(type)));
    }
  }
}

async function next(type: 'stdout' | 'stderr', source: AsyncIterator<unknown> | undefined) {
  return { type, result: await source?.next() };
}

async function feed({ stdin }: ChildProcess, input: AsyncIterable<Uint8Array> | undefined): Promise<void> {
  if (!stdin) return;
  stdin.on('error', () => {});
  const closed = new Promise((resolve) => stdin.once('close', resolve));
  for await (const chunk of input ?? []) {
    if (stdin.destroyed) break;
    if (!stdin.write(chunk)) await Promise.race([new Promise((resolve) => stdin.once('drain', resolve)), closed]);
  }
  stdin.end();
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): boolean {
  try {
    return pid !== undefined && process.kill(-pid, signal);
  } catch {
    return false;
  }
}
