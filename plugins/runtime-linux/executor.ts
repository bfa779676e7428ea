/**
 * The executor's process as this kernel sees it: found alive or started, its connection kept, started again when it dies.
 * Called by the driver; everything else speaks through `request`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoreError } from '@core/core/plugin';
import { endedAtOnce } from './lacks.js';
import { Connection, type NoticeHandler, type RequestOptions } from './link/connection.js';
import { PROTOCOL_VERSION } from './protocol.js';

export interface ExecutorOptions {
  /** The binary. */
  readonly path: string;
  /** `--run`: socket and containers' folders. */
  readonly runRoot: string;
  /** Mounts its slim mount namespace must keep. */
  readonly keep: readonly string[];
  /** It ends, with all its containers, when this kernel's connection does. */
  readonly lease: boolean;
  /** The containers' written layers, removed when a lease ends. */
  readonly tree: string;
  /** Cgroups it takes away when a lease ends, each before the one it is in. */
  readonly groups: readonly string[];
  /** Writes the id maps of its user namespace, where it has to make one of its own: an ordinary user's. */
  readonly mapIds?: ((pid: number) => Promise<void>) | undefined;
  readonly onNotice: NoticeHandler;
  /** The connection is gone though nobody closed it. */
  readonly onLost: () => void;
}

/** A socket of an executor that just started appears within a few ms. */
const START_TIMEOUT = 5_000;
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 50;

export class Executor {
  readonly #options: ExecutorOptions;
  #connection: Promise<Connection> | undefined;
  #pid: number | undefined;
  #closed = false;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /** The binary. */
  get path(): string {
    return this.#options.path;
  }

  get pid(): number | undefined {
    return this.#pid;
  }

  /** Connects, starting the executor where none answers. Throws E_EXECUTOR. */
  async request(op: string, argument: unknown, options?: RequestOptions): Promise<unknown> {
    return (await this.connection()).request(op, argument, options);
  }

  connection(): Promise<Connection> {
    if (this.#closed) return Promise.reject(new CoreError('E_CLOSED', { message: 'the runtime is closed' }));
    this.#connection ??= this.#establish().catch((thrown: unknown) => {
      this.#connection = undefined;
      throw thrown;
    });
    return this.#connection;
  }

  /**
   * Ends the connection. An executor held by lease ends with it and takes its containers along; another one is ended when
   * `idle` says that it has none. Resolves when it is gone. `keep` leaves it to another connection.
   */
  async close({ idle, keep = false }: { readonly idle: boolean; readonly keep?: boolean }): Promise<void> {
    this.#closed = true;
    const { lease, runRoot } = this.#options;
    const ends = !keep && (idle || lease);
    const connection = (await this.#connection?.catch(() => undefined)) ?? (ends ? await this.#left() : undefined);
    const pid = this.#pid;
    if (!connection?.isOpen || pid === undefined) return;
    if (ends && !lease) terminate(pid);
    connection.close();
    await connection.closed;
    if (!ends) return;
    await ended(pid);
    if (!lease) await rm(join(runRoot, 'executor.sock'), { force: true });
  }

  /** An executor that an earlier kernel left and this one had no use for. What is left of a dead one is removed. */
  async #left(): Promise<Connection | undefined> {
    const socket = join(this.#options.runRoot, 'executor.sock');
    const connection = await attempt(socket, this.#options.onNotice).catch(() => undefined);
    if (!connection) await rm(socket, { force: true });
    const hello = await connection?.request('hello', { version: PROTOCOL_VERSION }).catch(() => undefined);
    this.#pid = (hello as { pid: number } | undefined)?.pid;
    return connection;
  }

  async #establish(): Promise<Connection> {
    const { runRoot, onNotice, onLost } = this.#options;
    const socket = join(runRoot, 'executor.sock');
    const found = await attempt(socket, onNotice);
    // One that was being killed when it let us in is as good as none.
    const greeted = found && (await greet(found).catch((thrown: unknown) => dropIfOpen(found, thrown)));
    const { connection, hello } = greeted ?? (await greet(await this.#start(socket)));
    if (hello.version !== PROTOCOL_VERSION) {
      connection.close();
      throw new CoreError('E_EXECUTOR', { message: `the executor speaks version ${hello.version}, this kernel ${PROTOCOL_VERSION}` });
    }
    this.#pid = hello.pid;
    connection.background();
    void connection.closed.then(() => {
      this.#connection = undefined;
      this.#pid = undefined;
      if (!this.#closed) onLost();
    });
    return connection;
  }

  async #start(socket: string): Promise<Connection> {
    const { path, runRoot, keep, lease, tree, groups, mapIds, onNotice } = this.#options;
    await requireBinary(path);
    const words = join(runRoot, 'executor.log');
    const output = await open(words, 'a', 0o600);
    const leased = lease ? ['--lease', '--tree', tree, ...groups.flatMap((folder) => ['--group', folder])] : [];
    const child = spawn(path, [...(mapIds ? ['--rootless'] : []), '--run', runRoot, ...keep.flatMap((folder) => ['--keep', folder]), ...leased], {
      detached: true,
      cwd: '/',
      env: {},
      stdio: mapIds ? ['pipe', 'pipe', output.fd] : ['ignore', output.fd, output.fd],
    });
    const ended = { how: undefined as string | number | undefined };
    child.once('error', (error) => (ended.how = error.message));
    child.once('exit', (code, signal) => (ended.how = signal ?? code ?? 'unknown'));
    child.unref();
    await output.close();
    if (mapIds) await giveIds(child, mapIds);
    const deadline = Date.now() + START_TIMEOUT;
    for (let pause = FIRST_PAUSE; Date.now() < deadline; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      await sleep(pause);
      const connection = await attempt(socket, onNotice);
      if (connection) return connection;
      if (ended.how !== undefined) throw endedAtOnce(ended.how, await readFile(words, 'utf8').catch(() => ''));
    }
    throw new CoreError('E_EXECUTOR', { message: `the executor did not answer within ${START_TIMEOUT} ms; its words are in ${words}` });
  }
}

/** It waits in its fresh user namespace for the maps; one that has ended says so by itself. */
async function giveIds(child: ChildProcess, mapIds: (pid: number) => Promise<void>): Promise<void> {
  const { stdin, stdout, pid } = child;
  stdin?.on('error', () => {});
  try {
    const [ready] = (await Promise.race([once(stdout as Readable, 'data'), once(child, 'exit')])) as [unknown];
    if (Buffer.isBuffer(ready) && pid !== undefined) await mapIds(pid);
    stdin?.write('m');
  } finally {
    stdin?.end();
    stdout?.destroy();
  }
}

interface Greeted {
  readonly connection: Connection;
  readonly hello: { readonly version: number; readonly pid: number };
}

async function greet(connection: Connection): Promise<Greeted> {
  return { connection, hello: (await connection.request('hello', { version: PROTOCOL_VERSION })) as Greeted['hello'] };
}

function dropIfOpen(connection: Connection, thrown: unknown): undefined {
  if (!connection.isOpen) return undefined;
  connection.close();
  throw thrown;
}

async function attempt(socket: string, onNotice: NoticeHandler): Promise<Connection | undefined> {
  try {
    return await Connection.open(socket, onNotice);
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    // EAGAIN: its backlog is full, which passes.
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'EAGAIN') return undefined;
    throw new CoreError('E_EXECUTOR', { message: `cannot reach the executor at ${socket}: ${String(thrown)}`, cause: thrown, errno: code });
  }
}

async function requireBinary(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) throw new CoreError('E_EXECUTOR', { message: `the executor is not at ${path}` });
}

function terminate(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // Gone already, which is what was wanted.
  }
}

/** Ms; an executor held by lease has containers to end and folders to free. */
const END_TIMEOUT = 15_000;

/** Whether it was started here or found, its entry in /proc goes when it has ended (or becomes a zombie nobody waits for). */
async function ended(pid: number): Promise<void> {
  const deadline = Date.now() + END_TIMEOUT;
  for (let pause = FIRST_PAUSE; Date.now() < deadline; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (stat === '' || /\) [ZX] /.test(stat)) return;
    await sleep(pause);
  }
}
