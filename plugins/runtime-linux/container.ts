/** One container as this driver knows it: what was asked, and where it stands. Held by `context.ts`, changed by the driver's parts. */
import { CoreError, type ErrorObject, type ExitStatus, type RuntimeState, type RuntimeStatus, type Unmet } from '@core/core/plugin';
import type { Connection } from './link/connection.js';
import type { Encoded } from './link/frames.js';
import type { Paths } from './plan/input.js';
import type { Plan } from './protocol.js';
import type { ContainerRecord } from './records.js';

export type Phase = Exclude<RuntimeState, 'paused'> | 'starting';

export class Container {
  phase: Phase = 'created';
  paused = false;
  pid: number | undefined;
  startedAt: number | undefined;
  /** What was asked for and this machine or user cannot have. */
  unmet: readonly Unmet[] = [];
  exit: ExitStatus | undefined;
  /** Counts starts, so that news of an earlier run is known as such. */
  run = 0;
  /** Something of it is on the machine: folders, groups. */
  touched = false;
  /** An exit that arrived before the answer to `start`. */
  early: ExitStatus | undefined;
  /** The connection to its monitor, opened when first needed. */
  control: Promise<Connection> | undefined;
  /** Another one, left over from an exec: for the next. */
  spare: Connection | undefined;
  /** The plan in the executor's encoding, where it is at hand; for the first start. */
  encoded: Encoded | undefined;
  #plan: Plan | undefined;
  #makePlan: (() => Plan) | undefined;
  #tasks: string[] | undefined;
  /** Who tells of its exit: the executor that forked its monitor, or the monitor. */
  watched: 'executor' | 'control' = 'executor';
  /** The monitor has ended, so its teardown is over. A new one for every run. */
  monitorGone = deferred();
  /** Work that must be over before the next start or the removal: the monitor's teardown, the disposal of a written layer. */
  settling: Promise<void> = Promise.resolve();
  starting: Promise<unknown> | undefined;
  removing: Promise<void> | undefined;
  readonly #waiters = new Set<{ settle(exit: ExitStatus): void; fail(error: CoreError): void }>();

  constructor(
    readonly id: string,
    readonly paths: Paths,
    /** `undefined`: adopted without its record, so nothing that needs the spec can be done. */
    public record: ContainerRecord | undefined,
    makePlan?: () => Plan,
  ) {
    this.#makePlan = makePlan;
  }

  /** Compiled when first asked for: most containers start by an encoded plan and need no other. */
  get plan(): Plan | undefined {
    this.#plan ??= this.#makePlan?.();
    return this.#plan;
  }

  /** `tasks` of the v1 groups it is in; `update` may add to what the plan began with, and never takes one away. */
  get tasks(): readonly string[] {
    this.#tasks ??= this.plan ? tasksOf(this.plan) : [];
    return this.#tasks;
  }

  set tasks(tasks: readonly string[] | undefined) {
    this.#tasks = tasks && [...tasks];
  }

  addTasks(path: string): void {
    this.#tasks = [...this.tasks, path];
  }

  get object(): ErrorObject {
    return { kind: 'container', id: this.id };
  }

  get isRunning(): boolean {
    return this.phase === 'running';
  }

  status(): RuntimeStatus {
    const state: RuntimeState = this.phase === 'starting' ? 'created' : this.isRunning && this.paused ? 'paused' : this.phase;
    return {
      id: this.id,
      state,
      ...(this.isRunning && { pid: this.pid }),
      ...(this.startedAt !== undefined && { startedAt: this.startedAt }),
      ...(this.exit && this.phase === 'exited' && { exit: this.exit }),
      ...(this.unmet.length > 0 && { unmet: this.unmet }),
    };
  }

  /** Throws E_STATE unless it runs. */
  expectRunning(verb: string): void {
    if (this.isRunning && this.record) return;
    const state = this.status().state;
    const why = this.isRunning ? 'was adopted without its record' : `is ${state}, not running`;
    throw new CoreError('E_STATE', { message: `cannot ${verb}: container ${this.id} ${why}`, object: this.object });
  }

  /** Lets go of the monitor of the run before. */
  beginRun(): void {
    this.run += 1;
    this.monitorGone = deferred();
    void this.hangUp();
    this.control = undefined;
  }

  /** Ends the connections to its monitor. */
  async hangUp(): Promise<void> {
    const { control, spare } = this;
    this.spare = undefined;
    spare?.close();
    (await control?.catch(() => undefined))?.close();
  }

  /** Changed limits: for the next start, the next exec and the next kernel. */
  renew(record: ContainerRecord, makePlan: () => Plan): void {
    // What it is in now does not change with the plan of its next start.
    if (this.isRunning) this.#tasks = [...this.tasks];
    this.record = record;
    this.encoded = undefined;
    this.#plan = undefined;
    this.#makePlan = makePlan;
  }

  markRunning(pid: number, startedAt: number): void {
    this.phase = 'running';
    this.watched = 'executor';
    this.pid = pid;
    this.startedAt = startedAt;
    this.exit = undefined;
  }

  markExited(exit: ExitStatus): void {
    this.phase = 'exited';
    this.paused = false;
    this.pid = undefined;
    this.startedAt = exit.startedAt || this.startedAt;
    this.exit = exit;
    for (const waiter of this.#waiters) waiter.settle(exit);
    this.#waiters.clear();
  }

  /** The next exit, or the one that was. */
  exited(signal?: AbortSignal): Promise<ExitStatus> {
    if (this.phase === 'exited' && this.exit) return Promise.resolve(this.exit);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener('abort', abort);
      };
      const waiter = {
        settle: (exit: ExitStatus): void => (leave(), resolve(exit)),
        fail: (error: CoreError): void => (leave(), reject(error)),
      };
      const abort = (): void => waiter.fail(new CoreError('E_ABORTED', { message: 'the wait was aborted', object: this.object }));
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted) abort();
    });
  }

  /** Nobody will see an exit any more. */
  markRemoved(): void {
    if (this.#waiters.size === 0) return;
    const gone = new CoreError('E_NOT_FOUND', { message: `container ${this.id} was removed before it ran`, object: this.object });
    for (const waiter of this.#waiters) waiter.fail(gone);
  }
}

function tasksOf({ prepare }: Plan): string[] {
  return prepare.flatMap(([op, , path]) => (op === 'open' && path.endsWith('/tasks') ? [path] : []));
}

export interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

export function deferred(): Deferred {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}
