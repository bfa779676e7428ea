/**
 * The executor's protocol and plan as types; `executor/PROTOCOL.md` has the words. Comes in: nothing. Goes out: what `plan/`
 * makes and `client.ts` carries.
 */

export const PROTOCOL_VERSION = 1;
/** Bytes of one frame: requests to the executor, and everything else. */
export const MAX_REQUEST = 4 * 1024 * 1024;
export const MAX_FRAME = 128 * 1024;
/** Slots of one plan. */
export const MAX_SLOTS = 256;

export type MonitorStep =
  | readonly ['mkdir', path: string, mode: number]
  | readonly ['workdir', path: string]
  | readonly ['chown', path: string, uid: number, gid: number]
  | readonly ['write', path: string, data: string, optional: boolean]
  | readonly ['open', slot: number, path: string, flags: number]
  | readonly ['tree', slot: number, path: string, recursive: boolean, idmap: boolean, follow: boolean, userns?: number]
  | readonly ['netdev', name: string, as: string, netns?: number]
  | readonly ['userns', slot: number, uidMap: string, gidMap: string]
  | readonly ['netns', slot: number, path: string, type: number]
  | readonly ['network', slot: number, argv: readonly string[], says: boolean]
  | readonly ['devices', path: string, program: Uint8Array]
  | readonly ['connect', slot: number, path: string]
  | readonly ['device', slot: number, mode: number, major: number, minor: number, uid: number, gid: number]
  | readonly ['rmdir', path: string]
  | readonly ['unmount', path: string]
  | readonly ['unlink', path: string];

export type FsOption = readonly [key: string, value: string | null];

export type ChildStep =
  | readonly ['join', slot: number]
  | readonly ['unshare', flags: number]
  | readonly ['setns', slot: number, type: number]
  | readonly ['propagation', flags: number]
  | readonly ['fs', slot: number, fstype: string, options: readonly FsOption[], attrs: number, like?: string]
  | readonly ['copyup', slot: number, path: string]
  | readonly ['place', slot: number, path: string]
  | readonly ['root', slot: number]
  | readonly ['rootat', slot: number, path: string]
  | readonly ['bindroot', path: string, recursive: boolean]
  | readonly ['mount', slot: number, target: string, create: 0 | 1 | 2 | 3, nosymlink: boolean]
  | readonly ['attr', target: string, set: number, clear: number, propagation: number, recursive: boolean]
  | readonly ['folder', path: string, mode: number]
  | readonly ['node', path: string, mode: number, major: number, minor: number, uid: number, gid: number]
  | readonly ['mountnode', slot: number, path: string]
  | readonly ['link', target: string, path: string]
  | readonly ['console', path: string]
  | readonly ['mask', paths: readonly string[]]
  | readonly ['readonly', paths: readonly string[]]
  | readonly ['pivot']
  | readonly ['chroot']
  | readonly ['sysctl', name: string, value: string]
  | readonly ['hostname', text: string]
  | readonly ['domainname', text: string]
  | readonly ['loopback']
  | readonly ['oom', score: number]
  | readonly ['session']
  | ProcessStep;

/** What an exec may have as well. */
export type ProcessStep =
  | readonly ['rlimit', resource: number, soft: bigint, hard: bigint]
  | readonly ['attribute', name: string, text: string]
  | readonly ['personality', persona: number]
  | readonly ['scheduler', policy: number, flags: number, nice: number, priority: number, runtime: bigint, deadline: bigint, period: bigint]
  | readonly ['ioprio', ioclass: number, priority: number]
  | readonly ['affinity', cpus: Uint8Array]
  | readonly ['mempolicy', mode: number, nodes: Uint8Array]
  | readonly ['umask', mode: number]
  | readonly ['cwd', path: string, create: boolean]
  | readonly ['user', text: string | null, uid: number, gid: number, groups: readonly number[], home: boolean, groupsStay?: boolean]
  | readonly ['caps', bounding: bigint, effective: bigint, permitted: bigint, inheritable: bigint, ambient: bigint]
  | readonly ['nnp']
  | readonly ['seccomp', program: Uint8Array, flags: number, socket?: number, message?: readonly string[]]
  | readonly ['exec', argv: readonly string[], env: readonly string[], init: boolean];

export interface PlanIo {
  readonly terminal: boolean;
  readonly rows: number;
  readonly cols: number;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly log: { readonly path: string; readonly maxBytes: number | bigint; readonly maxFiles: number } | null;
  readonly owner?: PipeOwner;
}

/** Machine ids that get the child's ends of its pipes; wanted where there is a user namespace. */
export type PipeOwner = readonly [uid: number, gid: number];

export interface Plan {
  readonly id: string;
  readonly dir: string;
  readonly record?: Uint8Array;
  readonly clone: number;
  readonly cgroup?: string;
  readonly userns?: readonly [uidMap: string, gidMap: string];
  readonly timens?: string;
  /** The slot with the pid namespace the first process is born in. */
  readonly pidns?: number;
  readonly prepare: readonly MonitorStep[];
  readonly mapped: readonly MonitorStep[];
  readonly setup: readonly ChildStep[];
  readonly teardown: readonly MonitorStep[];
  readonly cgroups: readonly string[];
  readonly oom?: readonly [version: 1 | 2, path: string];
  readonly io: PlanIo;
}

export interface ExecPlan {
  readonly exec: string;
  /** Cpus the monitor is on while it makes the process. */
  readonly affinity?: Uint8Array;
  readonly cgroup?: string;
  readonly tasks: readonly string[];
  readonly namespaces: number;
  readonly steps: readonly (ProcessStep | readonly ['session'] | readonly ['oom', number])[];
  readonly terminal: boolean;
  readonly rows: number;
  readonly cols: number;
  readonly stdin: boolean;
  readonly detach: boolean;
  readonly owner?: PipeOwner;
}

/** `dir/state` */
export interface StateRecord {
  readonly pid: number;
  readonly startTime: number;
  readonly monitor: number;
  readonly monitorStartTime: number;
  readonly startedAt: number;
}

/** `dir/exit`, and the `exit` notice; `signal` is a number here. */
export interface ExitRecord {
  readonly exitCode: number;
  readonly signal?: number | null;
  readonly oomKilled: boolean;
  readonly reason?: string | null;
  readonly startedAt: number;
  readonly finishedAt: number;
}

/** The body of an error reply. */
export interface StepFailure {
  readonly step: string;
  readonly index: number;
  readonly errno: number;
  readonly message: string;
}
