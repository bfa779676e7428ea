/** One executor for one request. Comes in: a request. Goes out: its answer, and the executor's own end. Called by `launch.ts`, `exec.ts` and `../foreign/exec.ts`. */
import { spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { Connection } from '../link/connection.js';
import { EXECUTOR } from './places.js';

export interface Sync {
  readonly sync: string;
  readonly pid: number;
}

/** What the caller did not open becomes /dev/null. Anonymous inodes are Node's own, which took the free numbers: they stay here. */
function handOn(fd: number): number | 'ignore' {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('anon_inode:') ? 'ignore' : fd;
  } catch {
    return 'ignore';
  }
}

export interface Started {
  readonly pid: number;
  readonly startTime: number;
}

export interface Asked {
  /** Rejects with `StepError`, or with what `onSync` threw. */
  readonly started: Promise<Started>;
  /** The executor's exit status: the process's own where it stays with it. */
  readonly ended: Promise<number>;
  readonly signal: (name: NodeJS.Signals) => void;
  /** With `piped`: its 0, 1 and 2. */
  readonly streams: readonly [Writable, Readable, Readable] | undefined;
}

export interface AskOptions {
  /** Descriptors from 3 on that the executor gets as well. */
  readonly fds: number;
  /** 0, 1 and 2 of the process are ours to feed and read, instead of our own. */
  readonly piped?: boolean;
  /** Default: the one that was built. */
  readonly executor?: string;
  readonly onSync?: (sync: Sync) => Promise<void> | void;
}

export function askOnce(op: 'create' | 'exec' | 'teardown', plan: unknown, { fds, piped = false, executor = EXECUTOR, onSync = () => {} }: AskOptions): Asked {
  const channel = 3 + fds;
  const kept = Array.from({ length: fds }, (_, index) => handOn(3 + index));
  const stdio = piped ? 'pipe' : 'inherit';
  const child = spawn(executor, ['--once', String(channel)], { stdio: [stdio, stdio, stdio, ...kept, 'pipe'], argv0: 'core-executor' });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal ? 128 : 255)));
  });
  ended.catch(() => {});
  const connection = new Connection(child.stdio[channel] as Socket);
  let fault: unknown;
  const answer = connection.request(op, plan, {
    onItem: (item) => void attend(item as Sync).catch((thrown: unknown) => {
      fault = thrown;
      void connection.send(1, 'stop', null);
    }),
  });
  const attend = async (sync: Sync): Promise<void> => {
    await onSync(sync);
    await connection.send(1, 'go', null);
  };
  const started = answer.then((result) => result as Started, async (thrown: unknown) => {
    await ended;
    throw fault ?? thrown;
  });
  return { started: started.finally(() => connection.close()), ended, signal: (name) => void child.kill(name), streams: child.stdin && child.stdout && child.stderr ? [child.stdin, child.stdout, child.stderr] : undefined };
}
