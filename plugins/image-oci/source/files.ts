/**
 * Where the files of an image stand: in a folder, or within an archive. Comes in: a path. Goes out: files by name, each a range of bytes of some file of the
 * machine, so that nothing is copied before it is unpacked. Called by the sources of images.
 */
import { open } from 'node:fs/promises';
import { CoreError } from '@core/core/plugin';
import { fieldError } from '../format/document.js';

export interface FileRange {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

export interface ImageFiles {
  /** What the user named, for messages. */
  readonly path: string;
  /** Undefined when there is no file of that name. */
  locate(name: string): Promise<FileRange | undefined>;
  /** Removes what had to be made for reading. */
  close(): Promise<void>;
}

/** A whole small file. Throws `E_IMAGE` when it is missing or larger than `max` bytes. */
export async function readSmall(files: ImageFiles, { name, what, max }: { readonly name: string; readonly what: string; readonly max: number }): Promise<Uint8Array> {
  const range = await files.locate(name);
  if (!range) throw fieldError(what, `${name} is missing in ${files.path}`);
  if (range.length > max) throw fieldError(what, `${name} has ${range.length} bytes, more than ${max}`);
  return readRange(range);
}

/** Throws `E_IMAGE` when the file ends before the range does, and as `openError`. */
export async function readRange({ path, offset, length }: FileRange): Promise<Uint8Array> {
  const file = await open(path, 'r').catch((thrown: unknown) => {
    throw openError(path, thrown);
  });
  try {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const { bytesRead } = await file.read(bytes, at, length - at, offset + at);
      if (bytesRead === 0) throw fieldError(path, 'ends too early');
      at += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

/** An error of `node:fs` on what the user named. */
export function openError(path: string, thrown: unknown): CoreError {
  const { code, message } = thrown as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return new CoreError('E_NOT_FOUND', { message: `${path} does not exist`, object: { kind: 'image', id: path }, cause: thrown });
  return new CoreError('E_IO', { message: `${path}: ${message}`, errno: code, cause: thrown });
}
