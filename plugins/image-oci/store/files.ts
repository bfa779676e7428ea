/** Small files of the store, each complete or not there. Comes in: paths and data. Called by records, names and leases, which several kernels share. */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CoreError } from '@core/core/plugin';
import { uniqueName } from './process.js';

/** Written beside its place, synced unless it need not outlive the machine's run, renamed. */
export async function writeJson(path: string, data: unknown, { durable = true }: { readonly durable?: boolean } = {}): Promise<void> {
  const temporary = join(dirname(path), `.${uniqueName()}`);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(JSON.stringify(data));
      if (durable) await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw ioError(path, thrown);
  }
}

/** Undefined when there is none, or when it is no JSON. */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch (thrown) {
    if (thrown instanceof SyntaxError || (thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw ioError(path, thrown);
  }
}

/** Names that do not begin with a dot; empty when there is no such folder. */
export async function names(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith('.'));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw ioError(folder, thrown);
  }
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

export function ioError(path: string, thrown: unknown): CoreError {
  if (thrown instanceof CoreError) return thrown;
  const { code, message } = thrown as NodeJS.ErrnoException;
  return new CoreError('E_IO', { message: `image store, ${path}: ${message}`, errno: code, cause: thrown });
}
