/** From a reference to the image found there. Comes in: `oci:`, `oci-archive:` or `docker-archive:`, taken apart. Goes out: what was found, for as long as `use` runs. Called by the driver. */
import type { ArchiveKind, Reference } from '../reference.js';
import type { Platform } from '../format/platform.js';
import { archiveFiles } from './archive.js';
import { findInDockerSave } from './docker.js';
import { folderFiles } from './folder.js';
import type { FoundImage } from './found.js';
import { findInLayout } from './oci.js';

export interface FindOptions {
  readonly platform: Platform;
  readonly scratch: string;
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** The ranges of the layers hold until `use` has settled. */
export async function find<T>(reference: Extract<Reference, { kind: ArchiveKind }>, { platform, ...options }: FindOptions, use: (found: FoundImage) => Promise<T>): Promise<T> {
  const { kind, path, tag } = reference;
  const files = kind === 'oci' ? await folderFiles(path) : await archiveFiles({ path, ...options });
  try {
    const wanted = { tag, platform };
    return await use(kind === 'docker-archive' ? await findInDockerSave(files, wanted) : await findInLayout(files, wanted));
  } finally {
    await files.close();
  }
}
