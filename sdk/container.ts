/**
 * Containers as scripts hold them. The state is a type: what cannot be done to a stopped container is not there to be
 * called. Comes in: an engine and what it told of a container. Goes out: objects of a script. None of them is awaitable.
 */
import { setTimeout } from 'node:timers/promises';
import { isCoreError, type CallOptions, type ContainerDetails, type ContainerInfo, type Engine, type ExitStatus, type ProcessEvent, type Stats, type Unmet, type UpdateOptions } from '@core/core/plugin';
import { toBytes, type Input } from './input.js';
import { toCall, milliseconds, type Duration, type VerbOptions } from './duration.js';
import type { Command } from './command.js';
import type { OpenPlace } from './execution.js';
import { readLogs, type Logs, type LogsOptions } from './logs.js';
import { Output, type Chunk } from './output.js';
import { createCommand, createShell, type ProcessOptions, type Shell, type ShellOptions } from './shell.js';

export interface StopOptions extends VerbOptions {
  /** Between the stop signal and SIGKILL. Default: the container's `stopTimeout`, 10 s. */
  readonly grace?: Duration | undefined;
}

export interface AttachOptions extends VerbOptions {
  /** Feeds the container's stdin, which must have been made with `stdin: true`. */
  readonly input?: Input | undefined;
}

/** What every container can do, in whatever state. Disposing of it (`await using`) removes it, running or not. */
abstract class Container implements AsyncDisposable {
  readonly id: string;
  readonly name: string;
  protected readonly engine: Engine;
  protected readonly info: ContainerInfo;

  constructor(engine: Engine, info: ContainerInfo) {
    this.engine = engine;
    this.info = info;
    this.id = info.id;
    this.name = info.name;
  }

  /** What was asked for and is not in force, because this machine or user cannot have it. */
  get unmet(): readonly Unmet[] {
    return this.info.unmet ?? [];
  }

  inspect(options: VerbOptions = {}): Promise<ContainerDetails> {
    return this.engine.containers.inspect({ container: this.id }, toCall(options));
  }

  /** Ends it if need be and frees all it had. Removing what is gone succeeds. */
  async remove(options: VerbOptions = {}): Promise<void> {
    await removeContainer(this.engine, this.id, toCall(options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }

  /** What it wrote, line by line; with `follow` until it ends. */
  logs(options: LogsOptions = {}): Logs {
    return readLogs(this.engine, this.id, options);
  }

  toJSON(): ContainerInfo {
    return this.info;
  }
}

/** It exists and has not run. */
export class CreatedContainer extends Container {
  readonly state = 'created';

  async start(options: VerbOptions = {}): Promise<RunningContainer> {
    return new RunningContainer(this.engine, await this.engine.containers.start({ container: this.id }, toCall(options)));
  }
}

export class RunningContainer extends Container {
  readonly state = 'running';
  /** Commands inside, through a shell: `` await c.$`ls ${folder}` ``. */
  readonly $: Shell;
  readonly #open: OpenPlace;

  constructor(engine: Engine, info: ContainerInfo) {
    super(engine, info);
    this.#open = async () => ({ engine, container: info.id, close: async () => {} });
    this.$ = createShell<ShellOptions>(() => this.#open, {});
  }

  /** A command inside, without a shell. */
  exec(args: readonly string[], options: ProcessOptions = {}): Command {
    return createCommand({ open: this.#open, args, options, shell: this.$ }, this.exec);
  }

  /** The raw bytes of its stdout and stderr from now on, until it ends. */
  attach({ input, ...options }: AttachOptions = {}): AsyncIterable<ProcessEvent> {
    const call = { ...toCall(options), ...(input !== undefined && { input: toBytes(input) }) };
    return this.engine.containers.attach({ container: this.id, stdin: input !== undefined }, call);
  }

  /** Until it ends by itself. */
  async wait(options: VerbOptions = {}): Promise<StoppedContainer> {
    return new StoppedContainer(this.engine, this.info, await this.engine.containers.wait({ container: this.id }, toCall(options)));
  }

  /** Waits for its end and gives what its command wrote, from its log. Any exit code will do. */
  async output(options: VerbOptions = {}): Promise<Output> {
    const call = toCall(options);
    const chunks: Chunk[] = [];
    for await (const { stream, line, partial } of this.engine.containers.logs({ container: this.id, follow: true }, call)) {
      chunks.push({ stream, data: Buffer.from(partial ? line : `${line}\n`) });
    }
    const { exitCode, signal, startedAt, finishedAt } = await this.engine.containers.wait({ container: this.id }, call);
    return new Output({ command: this.info.command.join(' '), exitCode, signal, chunks, truncated: false, duration: finishedAt - startedAt });
  }

  /** The stop signal, then SIGKILL. */
  async stop({ grace, ...options }: StopOptions = {}): Promise<StoppedContainer> {
    const request = { container: this.id, ...(grace !== undefined && { timeout: milliseconds(grace) / 1000 }) };
    return new StoppedContainer(this.engine, this.info, await this.engine.containers.stop(request, toCall(options)));
  }

  /** SIGKILL, and waits for the end. */
  async kill(options: VerbOptions = {}): Promise<StoppedContainer> {
    await this.engine.containers.kill({ container: this.id }, toCall(options));
    return this.wait(options);
  }

  /** Any signal, to its first process; it may go on running. */
  async signal(name: string, options: VerbOptions = {}): Promise<void> {
    await this.engine.containers.kill({ container: this.id, signal: name }, toCall(options));
  }

  /** Freezes every process inside. */
  async pause(options: VerbOptions = {}): Promise<void> {
    await this.engine.containers.pause({ container: this.id }, toCall(options));
  }

  async resume(options: VerbOptions = {}): Promise<void> {
    await this.engine.containers.resume({ container: this.id }, toCall(options));
  }

  /** New limits, in force at once; those left out stay. */
  async update(limits: UpdateOptions, options: VerbOptions = {}): Promise<void> {
    await this.engine.containers.update({ container: this.id, limits }, toCall(options));
  }

  stats(options: VerbOptions = {}): Promise<Stats> {
    return this.engine.containers.stats({ container: this.id }, toCall(options));
  }

  /** One reading per `interval` (default 1 s) until it ends. */
  watchStats({ interval = 1000, ...options }: VerbOptions & { readonly interval?: Duration } = {}): AsyncIterable<Stats> {
    return watchStats(this, milliseconds(interval), options);
  }

  /** Pids inside, as the machine numbers them. */
  processes(options: VerbOptions = {}): Promise<readonly number[]> {
    return this.engine.containers.processes({ container: this.id }, toCall(options));
  }
}

export class StoppedContainer extends Container {
  readonly state = 'stopped';
  readonly exit: ExitStatus;

  constructor(engine: Engine, info: ContainerInfo, exit: ExitStatus) {
    super(engine, info);
    this.exit = exit;
  }

  /** 0 to 255; 128 + signal when a signal ended it. */
  get exitCode(): number {
    return this.exit.exitCode;
  }

  get oomKilled(): boolean {
    return this.exit.oomKilled;
  }

  async start(options: VerbOptions = {}): Promise<RunningContainer> {
    return new RunningContainer(this.engine, await this.engine.containers.start({ container: this.id }, toCall(options)));
  }
}

/** By its id, so that nothing else can be meant when it is not there any more. */
export async function removeContainer(engine: Engine, id: string, call: CallOptions = {}): Promise<void> {
  try {
    await engine.containers.remove({ container: id, force: true }, call);
  } catch (error) {
    if (!isCoreError(error, 'E_NOT_FOUND')) throw error;
  }
}

async function* watchStats(container: RunningContainer, interval: number, options: VerbOptions): AsyncGenerator<Stats, void> {
  const over = new AbortController();
  const ended = container.wait({ ...options, signal: anySignal(over.signal, options.signal) }).finally(() => over.abort());
  ended.catch(() => {});
  try {
    while (!over.signal.aborted) {
      yield await container.stats(options);
      await setTimeout(interval, undefined, { signal: over.signal }).catch(() => {});
    }
    await ended;
  } catch (error) {
    // It may end between two readings: then there is nothing to read, and nothing wrong.
    if (!isCoreError(error, 'E_STATE') && !isCoreError(error, 'E_NOT_FOUND')) throw error;
    await ended;
  } finally {
    over.abort();
  }
}

function anySignal(own: AbortSignal, given: AbortSignal | undefined): AbortSignal {
  return given ? AbortSignal.any([own, given]) : own;
}

/** The object for the state it is in now; one that is paused counts as running. */
export function toContainer(engine: Engine, info: ContainerInfo): CreatedContainer | RunningContainer | StoppedContainer {
  if (info.state === 'created') return new CreatedContainer(engine, info);
  return info.exit && info.state === 'exited' ? new StoppedContainer(engine, info, info.exit) : new RunningContainer(engine, info);
}
