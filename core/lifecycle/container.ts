/**
 * The life of a container, from the request to its removal. Comes in: nothing. Goes out: its hooks. Run by
 * `operations/containers.ts`.
 */
import type { ContainerSettings, ExitStatus, Image, Oci, Rootfs } from '../contracts/index.js';
import { claim, pair, parallel, reduce, series } from '../hooks/index.js';
import { lifecycle, type Refusal } from './lifecycle.js';

export interface ContainerRequested {
  readonly id: string;
  readonly name: string;
  readonly settings: ContainerSettings;
  readonly image: Image;
}

export interface ContainerAssembled {
  readonly id: string;
  readonly name: string;
  /** All `spec` taps have had their say. */
  readonly spec: Oci.Spec;
  readonly rootfs: Rootfs;
}

export interface ContainerStarted {
  readonly id: string;
  readonly name: string;
  /** On the machine. */
  readonly pid: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

export interface ContainerExited {
  readonly id: string;
  readonly name: string;
  readonly exit: ExitStatus;
}

export interface ContainerRemoved {
  readonly id: string;
  readonly name: string;
}

export const container = lifecycle('container', {
  admit: claim<ContainerRequested, Refusal>('May refuse a container before anything is made for it.'),
  spec: reduce<Oci.Spec, ContainerRequested>('Hands the OCI runtime spec from tap to tap before the runtime gets it.'),
  assemble: pair<ContainerAssembled>('Makes what the container needs (mounts, devices, a cgroup of its own), and takes it back at the end or on failure.'),
  started: parallel<ContainerStarted>('Runs once the command has been executed; the start waits for it.'),
  exited: series<ContainerExited>('Runs once the container has ended and its exit status is recorded.'),
  removed: series<ContainerRemoved>('Runs once nothing of the container is left.'),
});
