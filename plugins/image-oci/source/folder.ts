/** The files of an image in a folder of the machine. Comes in: its path. Goes out: `ImageFiles`. Called for `oci:`. */
import { lstat, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CoreError } from '@core/core/plugin';
import { fieldError } from '../format/document.js';
import { openError, type FileRange, type ImageFiles } from './files.js';

/** Throws `E_NOT_FOUND`, or `E_INVALID` when it is no folder. */
export async function folderFiles(path: string): Promise<ImageFiles> {
  const found = await stat(path).catch((thrown: unknown) => {
    throw openError(path, thrown);
  });
  if (!found.isDirectory()) {
    throw new CoreError('E_INVALID', { message: `${path} is no folder`, hint: 'Use oci-archive: or docker-archive: for a file.', issues: [{ path: 'image', message: 'is no folder' }] });
  }
  return { path, locate: (name) => locate(path, name), close: async () => {} };
}

async function locate(folder: string, name: string): Promise<FileRange | undefined> {
  const path = join(folder, name);
  try {
    const found = await lstat(path);
    // A link could point at anything of the machine's.
    if (!found.isFile()) throw fieldError(name, 'is no regular file');
    return { path, offset: 0, length: found.size };
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}
