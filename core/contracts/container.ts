/**
 * What a user may ask of a container. `ContainerOptions` is what people write (sizes as `'256m'`, defaults left out);
 * `ContainerSettings` is the same after validation, every size in bytes and every default filled in. The schema that turns
 * one into the other is `config/container-options.ts`; the words are docker's and Kubernetes' where they have one.
 */
import type { Rlimit, Seccomp } from './oci-runtime.js';

/** Bytes, or a number with a unit: `'512k'`, `'256m'`, `'1.5g'` (powers of 1024, as docker has it). */
export type Size = number | string;

export interface ContainerOptions {
  /** Unique among the kernel's containers. Default: the first 12 digits of the id. */
  name?: string | undefined;
  /** `host`, `oci:FOLDER[:TAG]`, `oci-archive:FILE`, `docker-archive:FILE`, `dir:FOLDER`, or a stored name or id. */
  image: string;
  /** Replaces the image's Cmd. */
  command?: readonly string[] | undefined;
  /** Replaces the image's Entrypoint; an empty list removes it. */
  entrypoint?: readonly string[] | undefined;
  env?: Readonly<Record<string, string>> | undefined;
  cwd?: string | undefined;
  /** `name`, `uid`, `name:group` or `uid:gid`, looked up inside the image. */
  user?: string | undefined;
  groups?: readonly number[] | undefined;
  hostname?: string | undefined;
  domainname?: string | undefined;
  terminal?: boolean | undefined;
  stdin?: boolean | undefined;
  /** A small init reaps orphans and forwards signals. */
  init?: boolean | undefined;
  labels?: Readonly<Record<string, string>> | undefined;
  annotations?: Readonly<Record<string, string>> | undefined;
  stopSignal?: string | undefined;
  /** Seconds between the stop signal and SIGKILL. Default 10. */
  stopTimeout?: number | undefined;
  /** Remove the container once it has exited. */
  remove?: boolean | undefined;
  /** Let it run on when its kernel closes in an orderly way; the next kernel of the same root adopts it. */
  keep?: boolean | undefined;
  log?: { maxSize?: Size | undefined; maxFiles?: number | undefined } | null | undefined;

  mounts?: readonly MountOptions[] | undefined;
  /** The root filesystem is read-only. */
  readonly?: boolean | undefined;
  shmSize?: Size | undefined;
  /** `none`: loopback only (default). `host`: the machine's own network. `user`: outward by a program of an ordinary user's (pasta, slirp4netns), where there is one. */
  network?: 'none' | 'host' | 'user' | undefined;
  /** Each of: `private` (default but for user and time), `host`. */
  namespaces?: { readonly [Type in 'pid' | 'ipc' | 'uts' | 'cgroup' | 'user' | 'time']?: NamespaceMode | undefined } | undefined;
  /** With `namespaces.user: 'private'`. Default: 65536 ids, 0 inside being 100000 outside. */
  idMappings?: { uids: readonly IdRange[]; gids: readonly IdRange[] } | undefined;
  timeOffsets?: { monotonic?: number | undefined; boottime?: number | undefined } | undefined;

  /** Bytes of memory; at least 512 KiB. */
  memory?: Size | undefined;
  memoryReservation?: Size | undefined;
  /** Memory plus swap. Default: as `memory`, so no swap at all; -1: no limit. */
  memorySwap?: Size | undefined;
  memorySwappiness?: number | undefined;
  /** Cores: 0.5, 2. */
  cpus?: number | undefined;
  cpuShares?: number | undefined;
  cpuQuota?: number | undefined;
  cpuPeriod?: number | undefined;
  cpusetCpus?: string | undefined;
  cpusetMems?: string | undefined;
  /** Processes and threads; -1: no limit. Default 4096. */
  pids?: number | undefined;
  io?: {
    weight?: number | undefined;
    readBps?: Readonly<Record<string, Size>> | undefined;
    writeBps?: Readonly<Record<string, Size>> | undefined;
    readIops?: Readonly<Record<string, number>> | undefined;
    writeIops?: Readonly<Record<string, number>> | undefined;
  } | undefined;
  hugepages?: Readonly<Record<string, Size>> | undefined;

  capabilities?: { add?: readonly string[] | undefined; drop?: readonly string[] | undefined } | undefined;
  /** Everything a root of the machine may, devices included. For trusted workloads alone. */
  privileged?: boolean | undefined;
  noNewPrivileges?: boolean | undefined;
  seccomp?: 'default' | 'unconfined' | Seccomp | undefined;
  rlimits?: Readonly<Record<string, number | { soft: number; hard: number }>> | undefined;
  sysctls?: Readonly<Record<string, string>> | undefined;
  devices?: readonly DeviceOptions[] | undefined;
  maskedPaths?: readonly string[] | undefined;
  readonlyPaths?: readonly string[] | undefined;
  oomScoreAdj?: number | undefined;
  umask?: number | undefined;
}

export type NamespaceMode = 'private' | 'host';

export interface IdRange {
  /** First id inside, first id outside, how many. */
  container: number;
  host: number;
  size: number;
}

export type MountOptions =
  | { type: 'bind'; source: string; target: string; readonly?: boolean | undefined; recursive?: boolean | undefined; propagation?: 'private' | 'rprivate' | 'slave' | 'rslave' | 'shared' | 'rshared' | undefined; idmap?: boolean | undefined }
  | { type: 'tmpfs'; target: string; size?: Size | undefined; mode?: number | undefined; readonly?: boolean | undefined; exec?: boolean | undefined };

export interface DeviceOptions {
  /** Path on the machine. */
  source: string;
  /** Path inside. Default: as `source`. */
  target?: string | undefined;
  /** Any of `r`, `w`, `m`. Default `rwm`. */
  access?: string | undefined;
}

/** `ContainerOptions` once validated: sizes in bytes, names normalised, defaults filled in. */
export interface ContainerSettings extends Omit<ContainerOptions, 'memory' | 'memoryReservation' | 'memorySwap' | 'shmSize' | 'rlimits' | 'hugepages' | 'mounts' | 'io' | 'log'> {
  memory?: number | undefined;
  memoryReservation?: number | undefined;
  memorySwap?: number | undefined;
  shmSize: number;
  rlimits: readonly Rlimit[];
  hugepages?: Readonly<Record<string, number>> | undefined;
  mounts: readonly MountSettings[];
  io?: {
    weight?: number | undefined;
    readBps?: Readonly<Record<string, number>> | undefined;
    writeBps?: Readonly<Record<string, number>> | undefined;
    readIops?: Readonly<Record<string, number>> | undefined;
    writeIops?: Readonly<Record<string, number>> | undefined;
  } | undefined;
  log: { maxBytes: number; maxFiles: number } | null;
  network: 'none' | 'host' | 'user';
  stopTimeout: number;
  pids: number;
}

export type MountSettings = Exclude<MountOptions, { type: 'tmpfs' }> | (Omit<Extract<MountOptions, { type: 'tmpfs' }>, 'size'> & { size?: number | undefined });
