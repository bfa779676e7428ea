/**
 * One fake container: its state machine, processes, log. Comes in: what `runtime.ts` is asked. Goes out: state, exits, events.
 * Lives in a `FakeMachine`, so it outlives the runtime that made it, as a real one outlives the kernel.
 */
import { CoreError, type CreateRequest, type ExecRequest, type ExitStatus, type Oci, type RuntimeEvent, type RuntimeStatus, type StartedContainer } from '@core/core/plugin';
import { Log } from './log.js';
import { FakeProcess, type ProcessExit } from './process.js';
import type { Program } from './program.js';
import type { Script } from './script.js';

const DEFAULT_LOG = { maxBytes: 10 * 1024 * 1024, maxFiles: 3 };

export class FakeContainer {
  readonly id: string;
  readonly spec: Oci.Spec;
  readonly log: Log | undefined;
  readonly execs = new Map<string, FakeProcess>();
  process: FakeProcess | undefined;
  resources: Oci.Resources;
  readonly #request: CreateRequest;
  readonly #script: Script;
  readonly #emit: (event: RuntimeEvent) => void;
  #state: RuntimeStatus['state'] = 'created';
  #starting = false;
  #startedAt = 0;
  #exit: ExitStatus | undefined;
  #ended!: Promise<ExitStatus>;
  #end!: { resolve(exit: ExitStatus): void; reject(error: CoreError): void };

  constructor(request: CreateRequest, script: Script, emit: (event: RuntimeEvent) => void) {
    this.id = request.id;
    this.spec = request.spec;
    this.resources = request.spec.linux?.resources ?? {};
    this.#request = request;
    this.#script = script;
    this.#emit = emit;
    const limits = request.io?.log;
    if (limits !== null) this.log = new Log((limits?.maxBytes ?? DEFAULT_LOG.maxBytes) * (limits?.maxFiles ?? DEFAULT_LOG.maxFiles));
    this.#rearm();
  }

  get state(): RuntimeStatus['state'] {
    return this.#state;
  }

  get status(): RuntimeStatus {
    const alive = this.process?.running === true;
    return { id: this.id, state: this.#state, ...(alive && { pid: this.process?.pid }), ...(this.#startedAt > 0 && { startedAt: this.#startedAt }), ...(this.#exit && { exit: this.#exit }) };
  }

  /** Whether the end of one client's input is the end of stdin. */
  get stdinOnce(): boolean {
    return this.#request.io?.stdinOnce ?? false;
  }

  /** Settles when it has ended. Rejects with `E_NOT_FOUND` when it is removed before it ever ran. */
  get ended(): Promise<ExitStatus> {
    return this.#ended;
  }

  async start(signal?: AbortSignal): Promise<StartedContainer> {
    if (this.#starting || this.#state === 'running' || this.#state === 'paused') throw this.wrongState('start', 'created or exited');
    this.#starting = true;
    try {
      await blocked(this.#script.startBlockMs ?? 0, signal);
      if (this.#script.startError) throw new CoreError(this.#script.startError, { message: `container ${this.id} was scripted not to start`, object: this.object, step: 'exec' });
      return this.#run();
    } finally {
      this.#starting = false;
    }
  }

  /** An exec, started. Throws `E_STATE` unless the container runs, `E_COMMAND` when there is no such program. */
  exec(request: ExecRequest, execId: string): FakeProcess {
    if (this.#state !== 'running') throw this.wrongState('exec', 'running');
    if (this.execs.has(execId)) throw new CoreError('E_EXISTS', { message: `exec ${execId} of container ${this.id} exists`, object: { kind: 'exec', id: execId } });
    const process = new FakeProcess({
      args: request.args,
      env: [...(this.spec.process?.env ?? []), ...(request.env ?? [])],
      stdin: request.stdin ?? false,
      terminal: request.terminal ?? false,
    });
    this.execs.set(execId, process);
    void process.exited.then(() => this.execs.delete(execId));
    return process;
  }

  pause(): void {
    if (this.#state !== 'running') throw this.wrongState('pause', 'running');
    this.#state = 'paused';
    for (const process of this.#processes()) process.pause();
    this.#tell('paused');
  }

  resume(): void {
    if (this.#state !== 'paused') throw this.wrongState('resume', 'paused');
    this.#state = 'running';
    for (const process of this.#processes()) process.resume();
    this.#tell('resumed');
  }

  signal(signal: string, all: boolean): void {
    for (const process of all ? this.#processes() : [this.process]) process?.kill(signal);
  }

  /** Ends it, if need be, and whoever waits for it. */
  async remove(): Promise<void> {
    this.process?.kill('SIGKILL');
    if (this.process) await this.#ended;
    else this.#end.reject(new CoreError('E_NOT_FOUND', { message: `container ${this.id} was removed before it ran`, object: this.object }));
    this.log?.end();
    this.#tell('removed');
  }

  wrongState(verb: string, wanted: string): CoreError {
    return new CoreError('E_STATE', { message: `cannot ${verb} container ${this.id}: it is ${this.#starting ? 'starting' : this.#state}, not ${wanted}`, object: this.object });
  }

  get object(): { kind: string; id: string } {
    return { kind: 'container', id: this.id };
  }

  #run(): StartedContainer {
    const { process: spec } = this.spec;
    if (this.#exit) this.#rearm();
    this.log?.begin();
    const program = this.#scripted();
    const process = new FakeProcess({
      args: spec?.args ?? [],
      env: spec?.env ?? [],
      stdin: this.#request.io?.stdin ?? false,
      terminal: spec?.terminal ?? false,
      ignoreSignals: this.#script.ignoreSignals,
      onOutput: (output) => this.log?.write(output),
      ...(program && { program }),
    });
    this.process = process;
    this.#state = 'running';
    this.#exit = undefined;
    this.#startedAt = Date.now();
    this.#tell('started');
    void process.exited.then((exit) => this.#over(exit));
    return { id: this.id, pid: process.pid, startedAt: this.#startedAt };
  }

  /** The script's own program, where it has one. */
  #scripted(): Program | undefined {
    const { exitAfterMs, exitCode = 0, output } = this.#script;
    if (exitAfterMs === undefined && output === undefined) return undefined;
    return async (_args, io) => {
      if (output !== undefined) await io.write('stdout', output.endsWith('\n') ? output : `${output}\n`);
      await io.sleep(exitAfterMs ?? Infinity);
      return exitCode;
    };
  }

  #over(exit: ProcessExit): void {
    for (const process of this.execs.values()) process.kill('SIGKILL');
    const oomKilled = this.#script.oom === true;
    if (oomKilled) this.#tell('oom');
    this.#state = 'exited';
    this.#exit = { ...(oomKilled ? { exitCode: 137, signal: 'SIGKILL' } : exit), oomKilled, startedAt: this.#startedAt, finishedAt: Date.now() };
    this.log?.end();
    this.#end.resolve(this.#exit);
    this.#tell('exited', this.#exit);
  }

  #processes(): FakeProcess[] {
    return [...(this.process ? [this.process] : []), ...this.execs.values()];
  }

  #rearm(): void {
    this.#ended = new Promise((resolve, reject) => (this.#end = { resolve, reject }));
    this.#ended.catch(() => undefined);
  }

  #tell(type: RuntimeEvent['type'], exit?: ExitStatus): void {
    this.#emit({ type, id: this.id, time: Date.now(), ...(exit && { exit }) });
  }
}

/** Rejects with `E_ABORTED` when the signal comes first. */
async function blocked(milliseconds: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) throw aborted(signal);
  if (milliseconds === 0) return;
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(aborted(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function aborted(signal: AbortSignal | undefined): CoreError {
  return new CoreError('E_ABORTED', { message: 'the start was aborted', cause: signal?.reason });
}
