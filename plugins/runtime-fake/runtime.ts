/**
 * The fake runtime: the whole `runtime` contract in memory, on a `FakeMachine`. Comes in: what any runtime is asked. Goes out:
 * what a real one would answer, or the failures it was told to have. Made by `index.ts`, or directly by tests.
 */
import {
  CoreError, type AttachRequest, type CallOptions, type ContainerRef, type CreateRequest, type ErrorCode, type ExecRequest, type LogEntry, type LogsRequest,
  type Oci, type ProcessEvent, type Runtime, type RuntimeEvent, type RuntimeStatus, type Stats,
} from '@core/core/plugin';
import { FakeContainer } from './container.js';
import { FakeMachine } from './machine.js';
import type { FakeProcess } from './process.js';
import { readScript, type Script } from './script.js';
import { makeSpec } from './spec.js';

export interface FakeRuntimeOptions extends Script {
  /** Methods that fail with a code: `{ remove: 'E_IO' }`. */
  readonly failures?: Readonly<Partial<Record<string, ErrorCode>>> | undefined;
}

export function createFakeRuntime(options: FakeRuntimeOptions = {}, machine: FakeMachine = new FakeMachine()): Runtime {
  const fake = new FakeRuntime(options, machine);
  return {
    spec: async (request) => fake.guard('spec', () => makeSpec(request)),
    create: async (request) => fake.guard('create', () => fake.create(request)),
    start: async ({ id }, call) => fake.guard('start', () => fake.find(id).start(call?.signal)),
    wait: async ({ id }, call) => fake.guard('wait', () => orAborted(fake.find(id).ended, call?.signal)),
    exec: (request, call) => fake.exec(request, call),
    attach: (request, call) => fake.attach(request, call),
    logs: (request, call) => fake.logs(request, call),
    signal: async (request) => fake.guard('signal', () => fake.signal(request)),
    resize: async ({ id, execId }) => fake.guard('resize', () => void fake.process(id, execId)),
    pause: async ({ id }) => fake.guard('pause', () => fake.find(id).pause()),
    resume: async ({ id }) => fake.guard('resume', () => fake.find(id).resume()),
    update: async ({ id, resources }) => fake.guard('update', () => fake.update(id, resources)),
    stats: async ({ id }) => fake.guard('stats', () => fake.stats(id)),
    processes: async ({ id }) => fake.guard('processes', () => fake.processes(id)),
    status: async ({ id }) => fake.guard('status', () => fake.find(id).status),
    list: async () => fake.guard('list', () => fake.list()),
    remove: async ({ id }) => fake.guard('remove', () => fake.remove(id)),
    events: (_request, call) => fake.events(call),
    reconcile: async ({ alive }) => fake.guard('reconcile', () => fake.reconcile(alive)),
  };
}

class FakeRuntime {
  readonly #options: FakeRuntimeOptions;
  readonly #machine: FakeMachine;
  #lastExec = 0;

  constructor(options: FakeRuntimeOptions, machine: FakeMachine) {
    this.#options = options;
    this.#machine = machine;
  }

  /** The scripted failure of a method, or its work. */
  guard<T>(method: string, work: () => T): T {
    const code = this.#options.failures?.[method];
    if (code) throw new CoreError(code, { message: `${method} was scripted to fail`, step: method });
    return work();
  }

  create(request: CreateRequest): RuntimeStatus {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(request.id)) throw invalid('id', `${request.id} is no container id`);
    if (!request.spec.process?.args.length) throw invalid('spec.process.args', 'names no command');
    if (this.#machine.containers.has(request.id)) throw new CoreError('E_EXISTS', { message: `container ${request.id} exists`, object: { kind: 'container', id: request.id } });
    const script = readScript(this.#options, request.spec.annotations);
    const container = new FakeContainer(request, script, (event) => this.#machine.events.write(event));
    this.#machine.containers.set(request.id, container);
    return container.status;
  }

  find(id: string): FakeContainer {
    const found = this.#machine.containers.get(id);
    if (!found) throw new CoreError('E_NOT_FOUND', { message: `there is no container ${id}`, object: { kind: 'container', id } });
    return found;
  }

  async *exec(request: ExecRequest, call?: CallOptions): AsyncGenerator<ProcessEvent> {
    const execId = request.execId ?? `exec-${++this.#lastExec}`;
    const process = this.guard('exec', () => this.find(request.id).exec(request, execId));
    const output = process.output.read(call?.signal);
    if (request.stdin && call?.input) void feed(process, call.input, true);
    try {
      yield { type: 'started', execId, pid: process.pid };
      for await (const { stream, data } of output) yield { type: stream, data };
      yield { type: 'exit', ...(await process.exited) };
    } finally {
      if (!request.detach) process.kill('SIGKILL');
      await output.return();
    }
  }

  async *attach({ id, stdin }: AttachRequest, call?: CallOptions): AsyncGenerator<ProcessEvent> {
    const container = this.guard('attach', () => this.find(id));
    const { process } = container;
    if (!process?.running) throw container.wrongState('attach to', 'running');
    const output = process.output.read(call?.signal);
    if (stdin && call?.input) void feed(process, call.input, container.stdinOnce);
    for await (const { stream, data } of output) yield { type: stream, data };
    yield { type: 'exit', ...(await process.exited) };
  }

  async *logs({ id, ...request }: LogsRequest, call?: CallOptions): AsyncGenerator<LogEntry> {
    const { log } = this.guard('logs', () => this.find(id));
    if (log) yield* log.read(request, call?.signal);
  }

  signal({ id, signal, execId, all }: ContainerRef & { signal: string; execId?: string | undefined; all?: boolean | undefined }): void {
    const container = this.#machine.containers.get(id);
    if (execId === undefined) container?.signal(signal, all === true);
    else container?.execs.get(execId)?.kill(signal);
  }

  process(id: string, execId?: string): FakeProcess {
    const container = this.find(id);
    const process = execId === undefined ? container.process : container.execs.get(execId);
    if (!process?.running) throw container.wrongState('resize', 'running');
    return process;
  }

  update(id: string, resources: Oci.Resources): void {
    const container = this.find(id);
    const limit = resources.memory?.limit;
    if (limit !== undefined && limit > 0 && limit < 512 * 1024) throw invalid('resources.memory.limit', `${limit} bytes are too few; at least 524288`);
    container.resources = { ...container.resources, ...resources };
  }

  stats(id: string): Stats {
    const container = this.find(id);
    if (!container.process?.running) throw container.wrongState('measure', 'running');
    const { memory, pids } = container.resources;
    return {
      id,
      time: Date.now(),
      cpu: { usageUsec: 1000, throttledPeriods: 0, throttledUsec: 0 },
      memory: { usage: 1 << 20, workingSet: 1 << 20, swap: 0, oomKills: 0, ...(memory?.limit !== undefined && memory.limit > 0 && { limit: memory.limit }) },
      pids: { current: this.processes(id).length, ...(pids?.limit !== undefined && pids.limit > 0 && { limit: pids.limit }) },
      io: { readBytes: 0, writeBytes: 0 },
    };
  }

  processes(id: string): readonly number[] {
    const { process, execs } = this.find(id);
    return [process, ...execs.values()].filter((one) => one?.running === true).map((one) => (one as FakeProcess).pid);
  }

  list(): readonly RuntimeStatus[] {
    return [...this.#machine.containers.values()].map(({ status }) => status);
  }

  async remove(id: string): Promise<void> {
    const container = this.#machine.containers.get(id);
    if (!container) return;
    this.#machine.containers.delete(id);
    await container.remove();
  }

  async *events(call?: CallOptions): AsyncGenerator<RuntimeEvent> {
    yield* this.guard('events', () => this.#machine.events.read(call?.signal));
  }

  async reconcile(alive: readonly string[]): Promise<readonly RuntimeStatus[]> {
    const keep = new Set(alive);
    const gone = [...this.#machine.containers.keys()].filter((id) => !keep.has(id));
    await Promise.all(gone.map((id) => this.remove(id)));
    return this.list();
  }
}

/** Feeds stdin for as long as the process takes it. */
async function feed(process: FakeProcess, input: AsyncIterable<Uint8Array>, closeAtEnd: boolean): Promise<void> {
  try {
    for await (const piece of input) process.write(piece);
  } catch {
    // The caller's side ended badly: for the process that is the end of its input all the same.
  }
  if (closeAtEnd) process.endInput();
}

function orAborted<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new CoreError('E_ABORTED', { message: 'the wait was aborted', cause: signal.reason }));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function invalid(path: string, message: string): CoreError {
  return new CoreError('E_INVALID', { message: `${path} ${message}`, issues: [{ path, message }] });
}
