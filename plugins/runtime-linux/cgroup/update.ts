/** New limits for a running container: all of them, or none. Called by `lifecycle/update.ts`. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { CoreError, type ErrorObject } from '@core/core/plugin';
import type { ControllerLimits, LimitWrite } from './limits.js';

interface Undo {
  readonly path: string;
  readonly value: string;
}

interface Bringing {
  readonly object: ErrorObject;
  /** The processes to bring along where the container has no group of that controller yet. */
  readonly members: () => Promise<number[]>;
  /** Hears of a v1 group made and filled. */
  readonly onGroup: (folder: string) => void;
}

/** Throws E_SETUP, with what was set before put back. */
export async function applyLimits(limits: readonly ControllerLimits[], { object, members, onGroup }: Bringing): Promise<void> {
  const undone: Undo[] = [];
  try {
    for (const { version, folder, writes } of limits) {
      // The groups above may be missing too, see `RARE` in layout.ts.
      const fresh = (await mkdir(folder, { recursive: true })) !== undefined;
      await writeAll({ folder, writes }, undone);
      if (!fresh) continue;
      await bring(folder, members);
      if (version === 1) onGroup(folder);
    }
  } catch (thrown) {
    for (let undo = undone.pop(); undo; undo = undone.pop()) await writeFile(undo.path, undo.value).catch(() => undefined);
    const { code, message } = thrown as NodeJS.ErrnoException;
    throw new CoreError('E_SETUP', { message: `cannot set the limits: ${message}`, hint: hintFor(code), errno: code, step: 'write', object, cause: thrown });
  }
}

/**
 * v1 refuses a memory limit above memory plus swap, and the reverse, so which comes first depends on whether limits grow or
 * shrink: what is refused is tried once more after the rest.
 */
async function writeAll({ folder, writes }: Pick<ControllerLimits, 'folder' | 'writes'>, undone: Undo[]): Promise<void> {
  const refused: LimitWrite[] = [];
  for (const write of writes) {
    await writeOne(folder, { write, undone }).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'EINVAL' || writes.length === 1) throw thrown;
      refused.push(write);
    });
  }
  for (const write of refused) await writeOne(folder, { write, undone });
}

async function writeOne(folder: string, { write, undone }: { readonly write: LimitWrite; readonly undone: Undo[] }): Promise<void> {
  const path = `${folder}/${write.file}`;
  try {
    const before = (await readFile(path, 'utf8')).trim();
    await writeFile(path, write.value);
    // Files with a line per device cannot be put back by one write.
    if (!before.includes('\n')) undone.push({ path, value: before });
  } catch (thrown) {
    if (write.optional && (thrown as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw thrown;
  }
}

/** Until no process is left outside: each may fork while it is moved. */
async function bring(folder: string, members: () => Promise<number[]>): Promise<void> {
  for (const moved = new Set<number>(); ; ) {
    const left = (await members()).filter((pid) => !moved.has(pid));
    if (left.length === 0) return;
    for (const pid of left) {
      moved.add(pid);
      await writeFile(`${folder}/cgroup.procs`, String(pid)).catch((thrown: NodeJS.ErrnoException) => {
        if (thrown.code !== 'ESRCH') throw thrown;
      });
    }
  }
}

function hintFor(code: string | undefined): string | undefined {
  return code === 'EBUSY' ? 'The container uses more than the new limit allows; choose a higher one.' : undefined;
}
