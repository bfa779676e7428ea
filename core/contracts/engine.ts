/**
 * The `engine` contract: the operations, as doors, the SDK and the CLI see them. Provided by the core itself.
 *
 * Words. A **container** here is a record with a desired life; the runtime's container is its body. Everywhere a container is
 * named, its id, an unambiguous prefix of the id (at least 3 digits) or its name will do.
 *
 * Every operation is a saga: it writes its intent, runs its steps, and on failure or abort unwinds in reverse.
 */
import { call, defineContract, stream, type CallOptions } from './define.js';
import type { ContainerOptions, ContainerSettings } from './container.js';
import type { Image } from './image.js';
import type { Resources, Spec } from './oci-runtime.js';
import type { ExecRequest, ExitStatus, LogEntry, LogsRequest, ProcessEvent, RuntimeState, Stats, Unmet, WindowSize } from './runtime.js';

export interface ContainerInfo {
  /** 64 hexadecimal digits; a foreign container's is whatever its maker chose. */
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
  readonly command: readonly string[];
  readonly state: RuntimeState;
  readonly pid?: number | undefined;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly startedAt?: number | undefined;
  readonly exit?: ExitStatus | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** What was asked for and is not in force; the event `container.unmet` tells of each. */
  readonly unmet?: readonly Unmet[] | undefined;
  /** Another engine made it, by way of the runtime's own command: `image` is its root folder, and what concerns its life as a whole is for its maker to do. */
  readonly foreign?: true | undefined;
}

export interface ContainerDetails extends ContainerInfo {
  /** As they were given; a foreign container has none. */
  readonly settings?: ContainerSettings | undefined;
  /** The OCI runtime spec as handed to the runtime, hooks applied. */
  readonly spec: Spec;
}

export interface ContainerName {
  readonly container: string;
}

/** A fact after the fact. `sequence` grows by one per event of a root, over restarts too. */
export interface EngineEvent {
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** `container.created`, `container.exited`, `image.stored`, `plugin.swapped`... */
  readonly type: string;
  readonly object: { readonly kind: string; readonly id: string; readonly name?: string | undefined };
  readonly data?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** What may be changed while it runs: the limits of `ContainerOptions`. */
export type UpdateOptions = Pick<
  ContainerOptions,
  'memory' | 'memoryReservation' | 'memorySwap' | 'cpus' | 'cpuShares' | 'cpuQuota' | 'cpuPeriod' | 'cpusetCpus' | 'cpusetMems' | 'pids' | 'io'
>;

export interface ContainerOperations {
  /** Brings the image if need be. The container exists and is not running. */
  create(request: ContainerOptions, call?: CallOptions): Promise<ContainerInfo>;
  start(request: ContainerName, call?: CallOptions): Promise<ContainerInfo>;
  /** `create` and `start` as one operation: nothing is left when the start fails. */
  run(request: ContainerOptions, call?: CallOptions): Promise<ContainerInfo>;
  /** The stop signal, then SIGKILL after `timeout` seconds (default: the container's `stopTimeout`). */
  stop(request: ContainerName & { readonly timeout?: number | undefined }, call?: CallOptions): Promise<ExitStatus>;
  /** Default SIGKILL. With `execId`: to the process group that exec leads. */
  kill(request: ContainerName & { readonly signal?: string | undefined; readonly execId?: string | undefined; readonly all?: boolean | undefined }, call?: CallOptions): Promise<void>;
  wait(request: ContainerName, call?: CallOptions): Promise<ExitStatus>;
  /** A running container is refused unless `force` is set. */
  remove(request: ContainerName & { readonly force?: boolean | undefined }, call?: CallOptions): Promise<void>;
  pause(request: ContainerName, call?: CallOptions): Promise<void>;
  resume(request: ContainerName, call?: CallOptions): Promise<void>;
  update(request: ContainerName & { readonly limits: UpdateOptions }, call?: CallOptions): Promise<Resources>;
  exec(request: ContainerName & Omit<ExecRequest, 'id'>, call?: CallOptions): AsyncIterable<ProcessEvent>;
  attach(request: ContainerName & { readonly stdin?: boolean | undefined }, call?: CallOptions): AsyncIterable<ProcessEvent>;
  logs(request: ContainerName & Omit<LogsRequest, 'id'>, call?: CallOptions): AsyncIterable<LogEntry>;
  resize(request: ContainerName & WindowSize & { readonly execId?: string | undefined }, call?: CallOptions): Promise<void>;
  stats(request: ContainerName, call?: CallOptions): Promise<Stats>;
  processes(request: ContainerName, call?: CallOptions): Promise<readonly number[]>;
  /** Running ones; with `all` those that ended too. */
  list(request: { readonly all?: boolean | undefined; readonly labels?: Readonly<Record<string, string>> | undefined }, call?: CallOptions): Promise<readonly ContainerInfo[]>;
  inspect(request: ContainerName, call?: CallOptions): Promise<ContainerDetails>;
}

export interface ImageOperations {
  ensure(request: { readonly reference: string; readonly name?: string | undefined; readonly platform?: string | undefined }, call?: CallOptions): Promise<Image>;
  list(request: Record<string, never>, call?: CallOptions): Promise<readonly Image[]>;
  inspect(request: { readonly reference: string }, call?: CallOptions): Promise<Image>;
  remove(request: { readonly reference: string }, call?: CallOptions): Promise<void>;
}

export interface HookInfo {
  readonly name: string;
  readonly kind: string;
  readonly about: string;
  /** Plugins that tap it, in the order they are called. */
  readonly taps: readonly string[];
}

export interface PluginInfo {
  readonly name: string;
  readonly version: string;
  readonly isolation: 'none' | 'process' | 'sandbox';
  readonly needs: readonly string[];
  readonly provides: readonly string[];
  readonly permissions: readonly string[];
  readonly state: 'starting' | 'running' | 'swapping' | 'failed' | 'closed';
}

export interface SystemOperations {
  ping(request: Record<string, never>, call?: CallOptions): Promise<{ readonly version: string; readonly pid: number; readonly root: string }>;
  hooks(request: Record<string, never>, call?: CallOptions): Promise<readonly HookInfo[]>;
  plugins(request: Record<string, never>, call?: CallOptions): Promise<readonly PluginInfo[]>;
  /** From `since` (a sequence number, exclusive) if given, else from now on. */
  events(request: { readonly since?: number | undefined }, call?: CallOptions): AsyncIterable<EngineEvent>;
}

export interface Engine {
  readonly containers: ContainerOperations;
  readonly images: ImageOperations;
  readonly system: SystemOperations;
}

export const Engine = defineContract<Engine>()('engine', 1, {
  containers: {
    create: call({ deadline: 0 }),
    start: call({ deadline: 60_000 }),
    run: call({ deadline: 0 }),
    stop: call({ deadline: 0 }),
    kill: call(),
    wait: call({ deadline: 0, resumable: true }),
    remove: call({ deadline: 60_000 }),
    pause: call(),
    resume: call(),
    update: call(),
    exec: stream({ input: true }),
    attach: stream({ input: true }),
    logs: stream(),
    resize: call(),
    stats: call(),
    processes: call(),
    list: call(),
    inspect: call(),
  },
  images: {
    ensure: call({ deadline: 0 }),
    list: call(),
    inspect: call(),
    remove: call({ deadline: 120_000 }),
  },
  system: {
    ping: call(),
    hooks: call(),
    plugins: call(),
    events: stream({ resumable: true }),
  },
});
