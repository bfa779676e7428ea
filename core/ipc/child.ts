/**
 * A child process at the other end of a link. Comes in: a script and its arguments. Goes out: the link, and the child's end.
 * Called by `kernel/isolate.ts`; `linkToParent` is its counterpart in the child.
 *
 * The link is a socket on fd 3. Stdout and stderr of the child are its own: what it prints is handed on line by line.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import { CoreError } from '../errors/index.js';
import { createLink, type Link, type LinkOptions } from './link.js';

export interface ChildOptions extends LinkOptions {
  /** For messages: `plugin web`. */
  readonly what: string;
  readonly script: string;
  readonly args?: readonly string[] | undefined;
  /** Flags of Node's own. */
  readonly execArgv?: readonly string[] | undefined;
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly onLine?: ((stream: 'stdout' | 'stderr', line: string) => void) | undefined;
}

export interface Child {
  readonly link: Link;
  readonly pid: number;
  /** Settles, never rejects, when the process is gone: with how it ended. */
  readonly exited: Promise<ChildExit>;
  /** Closes the link and waits `grace` milliseconds for the process to go by itself, then kills it. Idempotent. */
  end(grace: number): Promise<ChildExit>;
}

export interface ChildExit {
  /** `ended with code 1`, `was ended by SIGKILL`. */
  readonly how: string;
  /** The last lines of stderr. */
  readonly lastWords: readonly string[];
}

/** fd of the link in the child. */
const LINK_FD = 3;

/** Longest line that is handed on whole, and how many last lines of stderr are kept for the error. */
const MAX_LINE = 8192;
const KEPT_LINES = 20;

/** Throws `E_IO` when no process could be started. */
export function spawnChild({ what, script, args = [], execArgv = [], env, onLine, ...linkOptions }: ChildOptions): Child {
  const child = spawn(process.execPath, [...execArgv, script, ...args], { env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'], cwd: '/' });
  const lastWords: string[] = [];
  const exited = exitOf(child, lastWords);
  const channel = child.stdio?.[LINK_FD] as Duplex | null | undefined;
  if (child.pid === undefined || !channel) {
    throw new CoreError('E_IO', { message: `${what}: no process could be started`, object: { kind: 'process', id: what } });
  }
  eachLine(child.stdout, (line) => onLine?.('stdout', line));
  eachLine(child.stderr, (line) => {
    if (lastWords.push(line) > KEPT_LINES) lastWords.shift();
    onLine?.('stderr', line);
  });
  const link = createLink(channel, linkOptions);
  let ending: Promise<ChildExit> | undefined;
  return { link, pid: child.pid, exited, end: (grace) => (ending ??= end({ child, link, exited, grace })) };
}

/** In the child: the link to whoever started it. Throws `E_STATE` in a process that was not started by `spawnChild`. */
export function linkToParent(options: LinkOptions): Link {
  try {
    return createLink(new Socket({ fd: LINK_FD }), options);
  } catch (error) {
    throw new CoreError('E_STATE', { message: 'this process was not started as a child of the kernel: fd 3 is no socket', cause: error });
  }
}

interface Ending {
  readonly child: ChildProcess;
  readonly link: Link;
  readonly exited: Promise<ChildExit>;
  readonly grace: number;
}

async function end({ child, link, exited, grace }: Ending): Promise<ChildExit> {
  await link.close();
  const timer = setTimeout(() => child.kill('SIGKILL'), grace);
  const exit = await exited;
  clearTimeout(timer);
  return exit;
}

function exitOf(child: ChildProcess, lastWords: readonly string[]): Promise<ChildExit> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ how: `could not be started: ${error.message}`, lastWords }));
    // `close` rather than `exit`: what it printed last has arrived by then.
    child.once('close', (code, signal) => resolve({ how: signal ? `was ended by ${signal}` : `ended with code ${code ?? 'unknown'}`, lastWords }));
  });
}

function eachLine(source: Readable | null, take: (line: string) => void): void {
  let rest = '';
  source?.setEncoding('utf8');
  source?.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE) lines.push(rest.slice(0, MAX_LINE));
    if (rest.length > MAX_LINE) rest = '';
    for (const line of lines) if (line !== '') take(line.slice(0, MAX_LINE));
  });
  source?.once('end', () => {
    if (rest !== '') take(rest);
  });
}
