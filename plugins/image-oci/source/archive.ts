/**
 * The files of an image within a tar archive. Comes in: its path. Goes out: `ImageFiles`. Called for `oci-archive:` and `docker-archive:`. An archive packed by gzip is
 * unpacked to a file first, since ranges of bytes of it are handed on.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { CoreError } from '@core/core/plugin';
import { fieldError, imageError } from '../format/document.js';
import { openError, readRange, type ImageFiles } from './files.js';
import { indexTar } from './tar-index.js';

export interface ArchiveOptions {
  readonly path: string;
  /** A path of one's own for the unpacked archive, if it takes one. */
  readonly scratch: string;
  /** Bytes of the unpacked archive that are too many. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** Throws `E_NOT_FOUND`, `E_INVALID` when it is no file, `E_IMAGE` when it is no archive, `E_UNSUPPORTED` when it is packed by something else than gzip. */
export async function archiveFiles(options: ArchiveOptions): Promise<ImageFiles> {
  const { path, scratch } = options;
  const kind = await packing(path);
  if (kind === 'plain') return indexed(path, { path, close: async () => {} });
  const close = (): Promise<void> => rm(scratch, { force: true });
  try {
    await gunzip(options);
    return await indexed(path, { path: scratch, close });
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

async function indexed(shown: string, { path, close }: { readonly path: string; readonly close: () => Promise<void> }): Promise<ImageFiles> {
  const file = await open(path, 'r');
  try {
    const index = await indexTar(file, (await file.stat()).size);
    return {
      path: shown,
      locate: async (name) => {
        const member = index.get(name);
        return member && { path, ...member };
      },
      close,
    };
  } finally {
    await file.close();
  }
}

async function packing(path: string): Promise<'plain' | 'gzip'> {
  const found = await stat(path).catch((thrown: unknown) => {
    throw openError(path, thrown);
  });
  if (!found.isFile()) throw new CoreError('E_INVALID', { message: `${path} is no file`, hint: 'Use oci: or dir: for a folder.', issues: [{ path: 'image', message: 'is no file' }] });
  if (found.size < 512) throw fieldError('archive', 'is no tar archive');
  const [a, b, c, d] = await readRange({ path, offset: 0, length: 4 });
  if (a === 0x1f && b === 0x8b) return 'gzip';
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) {
    throw new CoreError('E_UNSUPPORTED', { message: `${path} is packed by zstd`, hint: 'Unpack it with `zstd -d` first. Layers within may be packed by zstd.' });
  }
  return 'plain';
}

async function gunzip({ path, scratch, maxBytes, signal }: ArchiveOptions): Promise<void> {
  let total = 0;
  const bound = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      total += chunk.length;
      if (total > maxBytes) done(fieldError('archive', `unpacks to more than ${maxBytes} bytes`));
      else done(null, chunk);
    },
  });
  await mkdir(dirname(scratch), { recursive: true, mode: 0o700 });
  try {
    await pipeline(createReadStream(path), createGunzip(), bound, createWriteStream(scratch, { flags: 'wx', mode: 0o600 }), { ...(signal && { signal }) });
  } catch (thrown) {
    if (thrown instanceof CoreError) throw thrown;
    if (signal?.aborted) throw new CoreError('E_ABORTED', { message: 'the operation was aborted', cause: thrown });
    const { code } = thrown as NodeJS.ErrnoException;
    if (code?.startsWith('Z_')) throw imageError(`archive: ${(thrown as Error).message}`, { issues: [{ path: 'archive', message: 'is a damaged gzip file' }], cause: thrown });
    throw new CoreError('E_IO', { message: `cannot unpack ${path}: ${(thrown as Error).message}`, errno: code, cause: thrown });
  }
}
