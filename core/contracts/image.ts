/**
 * The `image` contract: from a reference to folders a runtime can stack.
 *
 * Words. A **reference** is what the user typed (`host`, `oci:./folder:tag`, `docker-archive:./x.tar`, `dir:./rootfs`, a name
 * stored before). An **id** is the digest of the image's config (`sha256:...`), or `host`. A **layer** is one unpacked,
 * verified tree, named by its diffID. A **lease** (`owner`) keeps an image's layers from removal while a container uses them.
 *
 * States:   resolve -> (not stored) -> ensure -> stored -> mount (leased by owner) -> release -> remove
 *
 * Example: ensure({ reference: 'oci:./busybox:latest' }) -> mount({ id, owner: 'web' }) gives the lowers -> release({ owner: 'web' }).
 *
 * Nothing becomes visible before its digest and diffID are checked. `release` and `remove` of what never was succeed.
 */
import { call, defineContract, type CallOptions } from './define.js';
import type { Rootfs } from './runtime.js';

/** The part of the OCI image config a runtime needs (image-spec, config.md). Data only: nothing here is ever executed on the host. */
export interface ImageConfig {
  readonly user?: string | undefined;
  readonly env?: readonly string[] | undefined;
  readonly entrypoint?: readonly string[] | undefined;
  readonly cmd?: readonly string[] | undefined;
  readonly workingDir?: string | undefined;
  readonly stopSignal?: string | undefined;
  readonly exposedPorts?: readonly string[] | undefined;
  readonly volumes?: readonly string[] | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface Image {
  readonly id: string;
  /** Names that lead to it: `busybox:latest`. */
  readonly names: readonly string[];
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly os: string;
  readonly architecture: string;
  readonly config: ImageConfig;
  /** diffIDs, the lowest layer first. */
  readonly layers: readonly string[];
  /** Bytes on disk, unpacked; 0 for `host`. */
  readonly size: number;
}

export interface ImageRef {
  readonly id: string;
}

export interface Images {
  /** Makes the image available: finds it stored, or brings it from where the reference points, verifies and unpacks it. */
  ensure(request: { readonly reference: string; readonly name?: string | undefined; readonly platform?: string | undefined }, call?: CallOptions): Promise<Image>;
  /** Like `ensure`, but only among what is stored; `E_NOT_FOUND` otherwise. */
  inspect(request: { readonly reference: string }, call?: CallOptions): Promise<Image>;
  list(request: Record<string, never>, call?: CallOptions): Promise<readonly Image[]>;
  /** The root filesystem of a container of this image, leased to `owner` until `release`. */
  mount(request: ImageRef & { readonly owner: string }, call?: CallOptions): Promise<Rootfs>;
  release(request: { readonly owner: string }, call?: CallOptions): Promise<void>;
  /** By name: drops the name, and the image with its last name. By id: drops all. `E_IN_USE` while it is leased. */
  remove(request: { readonly reference: string }, call?: CallOptions): Promise<void>;
  /** Drops leases whose owner is not in `alive`, and what an interrupted unpack left. */
  reconcile(request: { readonly alive: readonly string[] }, call?: CallOptions): Promise<void>;
}

export const Images = defineContract<Images>()('image', 1, {
  ensure: call({ deadline: 0 }),
  inspect: call(),
  list: call(),
  mount: call(),
  release: call(),
  remove: call({ deadline: 120_000 }),
  reconcile: call({ deadline: 120_000 }),
});
