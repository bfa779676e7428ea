/** Runs CRIU. Comes in: its arguments. Goes out: nothing, or why it failed, with the log that tells more. Called by `checkpoint.ts` and `restore.ts`. */
import { spawnSync } from 'node:child_process';
import { accessSync, closeSync, constants, openSync, readFileSync, unlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { OciFailure } from '../failure.js';

/** Throws OciFailure, naming the package, when it is not installed. */
export function findCriu(path = process.env['PATH'] ?? ''): string {
  for (const folder of path.split(delimiter).filter((each) => each.startsWith('/'))) {
    const program = join(folder, 'criu');
    try {
      accessSync(program, constants.X_OK);
      return program;
    } catch {
      // Perhaps in the next.
    }
  }
  throw new OciFailure('checkpoint and restore need CRIU: install the package criu');
}

export interface CriuCall {
  readonly criu: string;
  readonly args: readonly string[];
  /** The whole path. */
  readonly log: string;
  /** Descriptors from `OWN + 3` on. */
  readonly fds?: readonly number[];
  /** A private mount namespace, in which `from` is mounted at `at` first: CRIU restores into a mount, and the machine shall not see it. */
  readonly root?: { readonly from: string; readonly at: string };
}

/** Where CRIU finds our own 0, 1 and 2, which are the container's: what it says itself must not go there. */
export const OWN = 3;

const IN_PRIVATE = 'mount --rbind "$1" "$2" && mount --make-rprivate "$2" && shift 2 && exec "$@"';

export function runCriu({ criu, args, log, fds = [], root }: CriuCall): void {
  const [program = criu, ...words] = root ? ['unshare', '--mount', '--propagation', 'private', '--', 'sh', '-c', IN_PRIVATE, 'sh', root.from, root.at, criu, ...args] : [criu, ...args];
  // A file: of a pipe one would have to wait for the end, which a process that CRIU leaves behind may put off.
  const early = `${log}.early`;
  const said = openSync(early, 'w', 0o600);
  try {
    const { status, signal, error } = spawnSync(program, words, { stdio: ['ignore', 'ignore', said, 0, 1, 2, ...fds] });
    if (status === 0) return;
    const how = error?.message ?? (signal ? `signal ${signal}` : `exit status ${status}`);
    const why = firstError(log) ?? (text(early).trim().split('\n').at(-1) || undefined);
    throw new OciFailure(`criu failed: ${args[0]}: ${how}${why === undefined ? '' : `: ${why}`}\nlog file: ${log}`);
  } finally {
    closeSync(said);
    unlinkSync(early);
  }
}

/** Of a log of CRIU's, without its time and place. The first error is the cause, those after it follow from it; that it cannot raise its own limits is none. */
export function firstError(log: string): string | undefined {
  const lines = [...text(log).matchAll(/^\([0-9.]+\)\s+(?:[0-9]+: )?Error \([^)]*\): (.*)$/gm)].map(([, words = '']) => words.trim());
  return lines.find((words) => !words.startsWith('rlimit:'));
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
