/** What the plan compiler gets: everything a plan depends on, so that compiling is a pure function. Made by `driver.ts`. */
import type { Io, Oci, Rootfs } from '@core/core/plugin';
import type { CgroupLayout } from '../cgroup/layout.js';
import type { RootlessFacts } from '../rootless/facts.js';
import type { Group } from './groups.js';

/** What is true of the machine, read once at boot. */
export interface HostFacts {
  readonly cgroups: CgroupLayout;
  /** Highest capability number this kernel knows (/proc/sys/kernel/cap_last_cap). */
  readonly lastCapability: number;
  /** Security modules in force that label processes: `apparmor`, `selinux`. */
  readonly modules: ReadonlySet<string>;
  /** Paths of /proc and /sys that are commonly masked or made read-only and that this kernel does not have. */
  readonly absent: ReadonlySet<string>;
  /** There when the kernel is an ordinary user's: then the executor is root of a user namespace, and not of the machine. */
  readonly rootless?: RootlessFacts | undefined;
}

export interface Paths {
  /** The container's run folder (`Plan.dir`). */
  readonly dir: string;
  /** Its folder on disk: the log, and what has to be in one mount for a user namespace. Made where there is such a thing. */
  readonly state: string;
  /** Its written layer, and the folder an overlay works in beside that. */
  readonly upper: string;
  readonly work: string;
  /** The container's group, absolute in cgroup terms: `/core/1a2b3c4d/ID`. */
  readonly cgroup: string;
}

/** `Io` with its defaults filled in; limits of the log excepted, which `plan/index.ts` knows. */
export interface CompleteIo {
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly log: Exclude<Io['log'], undefined>;
}

export interface PlanInput {
  readonly id: string;
  readonly spec: Oci.Spec;
  readonly rootfs: Rootfs;
  readonly io: CompleteIo;
  readonly paths: Paths;
  readonly host: HostFacts;
  /** The groups to be in, where those with limits are not enough. */
  readonly groups?: readonly Group[] | undefined;
  readonly record?: Uint8Array | undefined;
  /** What goes to the listener of the seccomp filter, with the pid between every two texts; it is there where listeners are served. */
  readonly listenerMessage?: readonly string[] | undefined;
}
