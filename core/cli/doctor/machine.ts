/** What the checks may look at: files of the machine, read and never written, and a few facts of the process. Tests give another root. */
import { constants } from 'node:fs';
import { access, readdir, readFile, statfs } from 'node:fs/promises';
import { release } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { probeCalls } from './executor.js';

export interface Machine {
  /** Undefined when it is not there or may not be read. */
  read(path: string): Promise<string | undefined>;
  exists(path: string): Promise<boolean>;
  writable(path: string): Promise<boolean>;
  list(path: string): Promise<readonly string[]>;
  /** Magic number and free bytes of the file system of the nearest folder that exists. */
  fileSystem(path: string): Promise<{ readonly type: number; readonly freeBytes: number }>;
  /** The first of these programs in PATH. */
  which(programs: readonly string[]): Promise<string | undefined>;
  /** What the kernel answers the executor, by system call; undefined where there is none to ask. */
  calls(): Promise<ReadonlyMap<string, string> | undefined>;
  readonly kernel: string;
  readonly node: string;
  readonly uid: number;
  readonly env: NodeJS.ProcessEnv;
}

export interface MachineOptions {
  /** Stands for `/`. */
  readonly root?: string | undefined;
  readonly kernel?: string | undefined;
  readonly node?: string | undefined;
  readonly uid?: number | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** What the executor would say. */
  readonly calls?: ReadonlyMap<string, string> | undefined;
}

export function openMachine({ root = '/', kernel = release(), node = process.versions.node, uid = process.getuid?.() ?? 0, env = process.env, calls }: MachineOptions = {}): Machine {
  const at = (path: string): string => join(root, path);
  const can = (path: string, mode: number): Promise<boolean> => access(at(path), mode).then(() => true, () => false);
  return {
    read: (path) => readFile(at(path), 'utf8').catch(() => undefined),
    exists: (path) => can(path, constants.F_OK),
    writable: (path) => can(path, constants.W_OK),
    list: (path) => readdir(at(path)).catch(() => []),
    fileSystem: async (path) => {
      const { type, bavail, bsize } = await statfs(await nearestExisting(at(path)));
      return { type, freeBytes: bavail * bsize };
    },
    which: async (programs) => {
      for (const program of programs) {
        for (const folder of (env['PATH'] ?? '').split(delimiter)) if (await can(join(folder, program), constants.X_OK)) return program;
      }
      return undefined;
    },
    calls: once(async () => calls ?? (root === '/' ? probeCalls() : undefined)),
    kernel,
    node,
    uid,
    env,
  };
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => (answer ??= ask());
}

async function nearestExisting(path: string): Promise<string> {
  const found = await access(path).then(() => true, () => false);
  return found || dirname(path) === path ? path : nearestExisting(dirname(path));
}

/** `6.8.0-45-generic` at least 5.12? */
export function atLeast(version: string, wanted: string): boolean {
  const [have, want] = [version, wanted].map((text) => text.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0));
  for (const [index, part] of (want ?? []).entries()) {
    const other = have?.[index] ?? 0;
    if (other !== part) return other > part;
  }
  return true;
}
