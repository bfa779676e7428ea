/**
 * The `layers` contract: turns one layer's archive into a folder, and removes such folders. Provided by the runtime, whose
 * executor writes with descriptors only; needed by whoever brings images.
 *
 * Words. A **layer archive** is a tar file, plain or compressed by gzip or zstd, that stands on the machine by itself or inside
 * another file (`offset`, `length`). A **target** is the folder that is to hold the unpacked tree.
 *
 * States:   unpack -> (a folder beside the target, nameless to everybody else) -> checked -> target, by rename
 *
 * Whatever fails, nothing is left. A target that exists already counts as done, so two kernels may unpack the same layer.
 */
import { call, defineContract, type CallOptions } from './define.js';

export interface UnpackRequest {
  /** The file, absolute. */
  readonly path: string;
  /** Where the archive begins in the file, in bytes. Default 0. */
  readonly offset?: number | undefined;
  /** Length of the archive in bytes. Default: to the end of the file. */
  readonly length?: number | undefined;
  /** `sha256:...` of the archive as it stands. Checked when given. */
  readonly digest?: string | undefined;
  /** `sha256:...` of the tar stream within. Checked when given. */
  readonly diffId?: string | undefined;
  /** The folder to make, absolute; the folder above it exists. */
  readonly target: string;
  /** Bytes of the tar stream, and of each file's size, that are too many. Default 64 GiB. */
  readonly maxBytes?: number | undefined;
  /** Entries that are too many. Default 4,000,000. */
  readonly maxEntries?: number | undefined;
}

export interface UnpackedLayer {
  /** Of the archive as it stands, and of the tar stream within: `sha256:...`. */
  readonly digest: string;
  readonly diffId: string;
  /** Bytes of file content written. */
  readonly size: number;
  readonly entries: number;
  /** The layer hides all layers below it. */
  readonly opaque: boolean;
}

export interface Layers {
  /** Reports progress in bytes of the archive. Rejects with `E_IMAGE` when the archive is damaged or breaks a rule. */
  unpack(request: UnpackRequest, call?: CallOptions): Promise<UnpackedLayer>;
  /** Removes folders with all they hold, never across a mount. What is not there counts as removed. */
  remove(request: { readonly paths: readonly string[] }, call?: CallOptions): Promise<void>;
}

export const Layers = defineContract<Layers>()('layers', 1, {
  unpack: call({ deadline: 0 }),
  remove: call({ deadline: 120_000 }),
});
