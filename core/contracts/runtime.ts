/**
 * The `runtime` contract: makes containers real on this machine.
 *
 * Words. An **id** names one container for its whole life (`[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}`, chosen by the caller). A
 * **process** is an exec inside it, with an id of its own (`execId`). The **plan** is the implementation's own compiled form
 * of the OCI spec. **Status** is what is true now, read from the machine, not remembered.
 *
 * States:   create -> created -> start -> running <-> paused
 *                        |                   |
 *                        |                exits, or is killed
 *                        v                   v
 *                      remove <----------- exited (may be started again)
 *
 * Example: create({ id: 'web', spec, rootfs, io }) -> start({ id: 'web' }) -> wait({ id: 'web' }) -> remove({ id: 'web' }).
 *
 * `remove` and `signal` to what is gone succeed: teardown verbs are idempotent. After a restart of the kernel `reconcile` is
 * called once, before anything else, with every id that has a record; what is not in that list is ended and removed, and what
 * is in it is adopted. Containers outlive the kernel and the implementation's process.
 *
 * A **foreign** container was made by another engine that uses the same runtime as a command. It is listed, can be looked into, signalled and
 * paused; what belongs to its maker (`start`, `remove`, `update`, its output) is `E_UNSUPPORTED`, and `reconcile` leaves it alone. No event tells of it.
 */
import { call, defineContract, stream, type CallOptions } from './define.js';
import type { ContainerSettings } from './container.js';
import type { ImageConfig } from './image.js';
import type { Resources, Spec } from './oci-runtime.js';

/** Where the root filesystem comes from. Layers are folders, the uppermost first. */
export type Rootfs =
  /**
   * An overlay: read-only `lowers`, writes go to a folder the runtime keeps until `remove` (or throws away at exit). `masks`
   * are hidden; `scratch` folders are hidden too, but can be written unless the root is read-only: each is a tmpfs of that mode.
   */
  | {
      readonly kind: 'overlay';
      readonly lowers: readonly string[];
      readonly keep?: boolean;
      readonly masks?: readonly string[];
      readonly scratch?: ReadonlyArray<{ readonly path: string; readonly mode: number }>;
    }
  /**
   * A folder, used as it is. In a user namespace its owners are seen through the mapping, so that nothing on disk depends on it;
   * with `idmap: false` they are the machine's already, as when somebody has shifted them before.
   */
  | { readonly kind: 'folder'; readonly path: string; readonly idmap?: boolean | undefined };

export interface Io {
  /** Keep stdin open for `attach`; otherwise it is /dev/null. Default false. */
  readonly stdin?: boolean | undefined;
  /** Close stdin for good when the first attached client closes its side. Default false. */
  readonly stdinOnce?: boolean | undefined;
  /** Log file limits. Default: 10 MiB a file, 3 files; `maxFiles` counts the live one. `null` keeps no log. */
  readonly log?: { readonly maxBytes?: number | undefined; readonly maxFiles?: number | undefined } | null | undefined;
}

export interface CreateRequest {
  readonly id: string;
  /** OCI runtime spec; `root.path` is ignored (see `rootfs`), `root.readonly` is honoured. */
  readonly spec: Spec;
  readonly rootfs: Rootfs;
  readonly io?: Io | undefined;
}

export interface ContainerRef {
  readonly id: string;
}

export type RuntimeState = 'created' | 'running' | 'paused' | 'exited';

export interface ExitStatus {
  /** 0 to 255; 128 + signal when a signal ended it. */
  readonly exitCode: number;
  /** `SIGKILL` and the like, when a signal ended it. */
  readonly signal?: string | undefined;
  /** The kernel's OOM killer struck inside the container at least once. */
  readonly oomKilled: boolean;
  /** Why, when it was not the command itself that ended: `monitor-lost`, `start-failed`; `foreign`: how it ended only its maker knows. */
  readonly reason?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly finishedAt: number;
}

export interface RuntimeStatus {
  readonly id: string;
  readonly state: RuntimeState;
  /** Host pid of the first process; absent when not running. */
  readonly pid?: number | undefined;
  readonly startedAt?: number | undefined;
  readonly exit?: ExitStatus | undefined;
  /** What was asked for and is not in force, as this machine or user cannot have it: the container is there without. */
  readonly unmet?: readonly Unmet[] | undefined;
  /** Another engine made it, by way of this runtime's own command. */
  readonly foreign?: ForeignContainer | undefined;
}

export interface Unmet {
  /** A cgroup controller (`memory`, `cpu`, `pids`...), or `network`. */
  readonly wish: string;
  readonly reason: string;
  readonly hint?: string | undefined;
}

/** What is known of a container that nobody here has created. */
export interface ForeignContainer {
  readonly bundle: string;
  readonly rootfs: string;
  readonly command: readonly string[];
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Its annotations. */
  readonly labels: Readonly<Record<string, string>>;
  /** In a `status`; a `list` goes without. */
  readonly spec?: Spec | undefined;
}

export interface StartedContainer {
  readonly id: string;
  readonly pid: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

export interface ExecRequest {
  readonly id: string;
  /** Default: one of ours, told in the first event. */
  readonly execId?: string | undefined;
  readonly args: readonly string[];
  /** Added to the container's environment; a later name wins. */
  readonly env?: readonly string[] | undefined;
  readonly cwd?: string | undefined;
  /** As `User.username`: `name`, `uid`, `name:group`, `uid:gid`. Default: the container's user. */
  readonly user?: string | undefined;
  readonly terminal?: boolean | undefined;
  readonly size?: WindowSize | undefined;
  /** Whether `call.input` feeds stdin; otherwise it is /dev/null. */
  readonly stdin?: boolean | undefined;
  /** All capabilities and no seccomp filter, inside the container's namespaces. Default false. */
  readonly privileged?: boolean | undefined;
  /** When the caller goes away: end the process (default), or let it run on. */
  readonly detach?: boolean | undefined;
}

export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
}

/** With a terminal everything is `stdout`. The last event is `exit`, always. */
export type ProcessEvent =
  | { readonly type: 'started'; readonly execId: string; readonly pid: number }
  | { readonly type: 'stdout'; readonly data: Uint8Array }
  | { readonly type: 'stderr'; readonly data: Uint8Array }
  | { readonly type: 'exit'; readonly exitCode: number; readonly signal?: string | undefined };

export interface AttachRequest {
  readonly id: string;
  /** Whether `call.input` feeds the container's stdin. */
  readonly stdin?: boolean | undefined;
}

export interface LogsRequest {
  readonly id: string;
  /** Go on as lines come, until the container ends. Default false. */
  readonly follow?: boolean | undefined;
  /** Only the last n lines; default all. */
  readonly tail?: number | undefined;
  /** Milliseconds since the epoch, inclusive and exclusive. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** One line. `partial` means no newline followed yet: the next entry of that stream continues it. */
export interface LogEntry {
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
  readonly partial: boolean;
}

export interface Stats {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly cpu: { readonly usageUsec: number; readonly throttledPeriods: number; readonly throttledUsec: number };
  /** Bytes. `limit` is absent when there is none. */
  readonly memory: { readonly usage: number; readonly limit?: number | undefined; readonly workingSet: number; readonly swap: number; readonly oomKills: number };
  readonly pids: { readonly current: number; readonly limit?: number | undefined };
  readonly io: { readonly readBytes: number; readonly writeBytes: number };
}

export interface RuntimeEvent {
  readonly type: 'started' | 'oom' | 'exited' | 'paused' | 'resumed' | 'removed';
  readonly id: string;
  readonly time: number;
  readonly exit?: ExitStatus | undefined;
}

export interface SpecRequest {
  readonly id: string;
  readonly settings: ContainerSettings;
  readonly image: ImageConfig;
}

export interface Runtime {
  /** The user's settings on top of the image's, with this runtime's own defaults, as an OCI spec. Changes nothing. */
  spec(request: SpecRequest, call?: CallOptions): Promise<Spec>;
  /** Checks the spec, compiles the plan, reserves the id. Nothing of the machine's is changed before `start`. */
  create(request: CreateRequest, call?: CallOptions): Promise<RuntimeStatus>;
  /** Resolves once the command has been executed (`execve` succeeded). */
  start(request: ContainerRef, call?: CallOptions): Promise<StartedContainer>;
  /** Settles when the container has ended; at once when it already had. */
  wait(request: ContainerRef, call?: CallOptions): Promise<ExitStatus>;
  exec(request: ExecRequest, call?: CallOptions): AsyncIterable<ProcessEvent>;
  /** The raw bytes of stdout and stderr from now on, until the container ends. */
  attach(request: AttachRequest, call?: CallOptions): AsyncIterable<ProcessEvent>;
  logs(request: LogsRequest, call?: CallOptions): AsyncIterable<LogEntry>;
  /** To the first process, or to the process group an exec leads. `all` reaches every process inside. */
  signal(request: ContainerRef & { readonly signal: string; readonly execId?: string | undefined; readonly all?: boolean | undefined }, call?: CallOptions): Promise<void>;
  resize(request: ContainerRef & WindowSize & { readonly execId?: string | undefined }, call?: CallOptions): Promise<void>;
  pause(request: ContainerRef, call?: CallOptions): Promise<void>;
  resume(request: ContainerRef, call?: CallOptions): Promise<void>;
  update(request: ContainerRef & { readonly resources: Resources }, call?: CallOptions): Promise<void>;
  stats(request: ContainerRef, call?: CallOptions): Promise<Stats>;
  /** The processes inside, by host pid. */
  processes(request: ContainerRef, call?: CallOptions): Promise<readonly number[]>;
  status(request: ContainerRef, call?: CallOptions): Promise<RuntimeStatus>;
  list(request: Record<string, never>, call?: CallOptions): Promise<readonly RuntimeStatus[]>;
  /** Ends the container if need be and frees everything it had: processes, cgroups, mounts, folders, logs. */
  remove(request: ContainerRef, call?: CallOptions): Promise<void>;
  /** What happens from now on. A consumer that lags is ended with `E_PROTOCOL`, never fed with gaps. */
  events(request: Record<string, never>, call?: CallOptions): AsyncIterable<RuntimeEvent>;
  /** Keeps `alive`, adopts what runs of it, ends and removes all else. Returns the status of all that is kept. */
  reconcile(request: { readonly alive: readonly string[] }, call?: CallOptions): Promise<readonly RuntimeStatus[]>;
}

export const Runtime = defineContract<Runtime>()('runtime', 1, {
  spec: call(),
  create: call(),
  start: call(),
  wait: call({ deadline: 0, resumable: true }),
  exec: stream({ input: true }),
  attach: stream({ input: true }),
  logs: stream(),
  signal: call(),
  resize: call(),
  pause: call(),
  resume: call(),
  update: call(),
  stats: call(),
  processes: call(),
  status: call(),
  list: call(),
  remove: call({ deadline: 60_000 }),
  events: stream({ resumable: true }),
  reconcile: call({ deadline: 120_000 }),
});
