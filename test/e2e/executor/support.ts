/** The executor by its raw protocol. Comes in: a test and what differs in a plan. Goes out: a running executor, containers in it, and what they said. Called by the tests beside it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { CLONE, MOUNT_ATTR, S_IF } from '#runtime-linux/constants.js';
import { Connection } from '#runtime-linux/link/connection.js';
import { executorBinary } from '../../helpers/executor-plan.js';
import { lacksImages, rootfs } from '../../helpers/images.js';

/** Why these tests cannot run here. */
export const lacking = lacksImages('rootfs') ?? (existsSync(executorBinary) ? undefined : 'the executor is not built');

export const NAMESPACES = CLONE.NEWNS | CLONE.NEWPID | CLONE.NEWUTS | CLONE.NEWIPC | CLONE.NEWNET;
/** Docker's set. */
export const CAPS = 0xa80425fbn;
const { NOSUID, NODEV, NOEXEC, RDONLY } = MOUNT_ATTR;

export type Step = readonly unknown[];
export interface Exit {
  readonly exitCode: number;
  readonly signal?: number;
  readonly oomKilled?: boolean;
  readonly reason?: string;
}

/** What differs from a usual container. */
export interface Wish {
  readonly argv?: readonly string[];
  readonly env?: readonly string[];
  readonly clone?: number;
  readonly prepare?: readonly Step[];
  /** Before the root is mounted. */
  readonly first?: readonly Step[];
  /** Inside the new root, before `pivot`. */
  readonly inside?: readonly Step[];
  /** After `session`. */
  readonly user?: readonly Step[];
  readonly last?: readonly Step[];
  readonly io?: Readonly<Record<string, unknown>>;
  readonly init?: boolean;
  readonly plan?: Readonly<Record<string, unknown>>;
  readonly nodes?: boolean;
}

export class Executor {
  readonly #notices: Array<readonly [string, Record<string, unknown>]> = [];
  readonly #waiting = new Set<() => void>();

  private constructor(
    readonly folder: string,
    readonly run: string,
    readonly process: ChildProcess,
    readonly connection: Connection,
  ) {}

  /** An executor of the test's own; everything it had is gone after it. */
  static async start(t: ExecutionContext, args: readonly string[] = ['--lease']): Promise<Executor> {
    const folder = mkdtempSync(join(tmpdir(), 'core-executor-'));
    chmodSync(folder, 0o711);
    const run = join(folder, 'run');
    const child = spawn(executorBinary, ['--run', run, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
    const socket = join(run, 'executor.sock');
    const connection = await connect(socket, (name, argument) => executor.#hear(name, argument as Record<string, unknown>));
    const executor: Executor = new Executor(folder, run, child, connection);
    t.teardown(() => executor.stop());
    return executor;
  }

  async stop(): Promise<void> {
    this.connection.close();
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = once(this.process, 'exit');
      this.process.kill('SIGTERM');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  request(op: string, argument: unknown): Promise<unknown> {
    return this.connection.request(op, argument);
  }

  plan(id: string, wish: Wish = {}): Record<string, unknown> {
    return containerPlan({ id, folder: this.folder, run: this.run, wish });
  }

  async startContainer(id: string, wish: Wish = {}): Promise<{ pid: number; startedAt: number }> {
    return (await this.request('start', this.plan(id, wish))) as { pid: number; startedAt: number };
  }

  /** Starts it, waits for its end and gives its log's lines. */
  async once(id: string, wish: Wish = {}): Promise<{ exit: Exit; lines: string[] }> {
    await this.startContainer(id, wish);
    const exit = (await this.notice('exit', id)) as unknown as Exit;
    await this.notice('gone', id);
    return { exit, lines: this.log(id) };
  }

  /** The text of a log's lines. */
  log(id: string): string[] {
    const text = readFileSync(join(this.folder, `${id}.log`), 'utf8');
    return text.split('\n').filter(Boolean).map((line) => line.split(' ').slice(3).join(' '));
  }

  /** The next one; each is given once. */
  async notice(name: string, id: string): Promise<Record<string, unknown>> {
    for (;;) {
      const at = this.#notices.findIndex(([what, argument]) => what === name && argument['id'] === id);
      const [found] = at < 0 ? [] : this.#notices.splice(at, 1);
      if (found) return found[1];
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  monitor(id: string): Promise<Connection> {
    return connect(join(this.run, id, 'ctl'));
  }

  record(id: string, name: 'state' | 'exit'): Record<string, number> {
    return JSON.parse(readFileSync(join(this.run, id, name), 'utf8')) as Record<string, number>;
  }

  #hear(name: string, argument: Record<string, unknown>): void {
    this.#notices.push([name, argument]);
    for (const wake of this.#waiting) wake();
  }
}

/** As soon as somebody listens there. */
export async function connect(path: string, onNotice?: (name: string, argument: unknown) => void): Promise<Connection> {
  for (let tries = 0; ; tries++) {
    try {
      return await Connection.open(path, onNotice);
    } catch (thrown) {
      if (tries > 500) throw thrown;
      await sleep(10);
    }
  }
}

export interface Session {
  readonly id: string;
  readonly folder: string;
  readonly run: string;
  readonly wish: Wish;
}

function containerPlan({ id, folder, run, wish }: Session): Record<string, unknown> {
  const { argv = ['true'], env = ['PATH=/bin'], clone = NAMESPACES, io = {} } = wish;
  for (const name of ['upper', 'work']) mkdirSync(join(folder, id, name), { recursive: true });
  return {
    id,
    dir: join(run, id),
    clone,
    prepare: wish.prepare ?? [],
    mapped: [],
    setup: [
      ...(wish.first ?? []),
      ...rootSteps(join(folder, id)),
      ...deviceSteps(wish),
      ...(wish.inside ?? []),
      ['pivot'],
      ['hostname', id],
      ['session'],
      ...(wish.user ?? [['user', null, 0, 0, [], true], ['caps', CAPS, CAPS, CAPS, 0n, 0n]]),
      ...(wish.last ?? [['nnp']]),
      ['exec', argv, env, wish.init ?? false],
    ],
    teardown: [],
    cgroups: [],
    io: { terminal: false, rows: 24, cols: 80, stdin: false, stdinOnce: false, log: { path: join(folder, `${id}.log`), maxBytes: 1 << 20, maxFiles: 3 }, ...io },
    ...wish.plan,
  };
}

function rootSteps(state: string): Step[] {
  return [
    ['fs', 0, 'overlay', [['lowerdir+', rootfs()], ['upperdir', join(state, 'upper')], ['workdir', join(state, 'work')]], 0],
    ['root', 0],
    ['fs', 1, 'proc', [], NOSUID | NODEV | NOEXEC],
    ['mount', 1, '/proc', 1, true],
    ['fs', 2, 'tmpfs', [['mode', '755'], ['size', '65536k']], NOSUID],
    ['mount', 2, '/dev', 1, false],
    ['fs', 3, 'devpts', [['newinstance', null], ['ptmxmode', '0666'], ['mode', '0620'], ['gid', '5']], NOSUID | NOEXEC],
    ['mount', 3, '/dev/pts', 1, false],
    ['fs', 4, 'sysfs', [], NOSUID | NODEV | NOEXEC | RDONLY],
    ['mount', 4, '/sys', 1, true],
  ];
}

function deviceSteps({ nodes = true, io = {} }: Wish): Step[] {
  const devices: Array<readonly [string, number, number]> = [['null', 1, 3], ['zero', 1, 5], ['urandom', 1, 9], ['tty', 5, 0]];
  return [
    ...(nodes ? devices.map(([name, major, minor]) => ['node', `/dev/${name}`, S_IF.c | 0o666, major, minor, 0, 0]) : []),
    ['link', 'pts/ptmx', '/dev/ptmx'],
    ['link', '/proc/self/fd', '/dev/fd'],
    ...(io['terminal'] ? [['console', '/dev/console']] : []),
  ];
}

/** An exec's plan. */
export function execPlan(exec: string, argv: readonly string[], wish: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const { user = null, cwd = '/', ...rest } = wish;
  return {
    exec, tasks: [], namespaces: NAMESPACES, terminal: false, rows: 24, cols: 80, stdin: false, detach: false,
    steps: [
      ['session'], ['umask', 0o22], ['cwd', cwd, false], ['user', user, 0, 0, [], true],
      ['caps', CAPS, CAPS, CAPS, 0n, 0n], ['nnp'], ['exec', argv, ['PATH=/bin'], false],
    ],
    ...rest,
  };
}

export interface Ran {
  readonly pid: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: Exit;
}

/** Runs an exec to its end. `during` may feed it: it gets the connection and the request's number. */
export async function runExec(executor: Executor, id: string, plan: Record<string, unknown>, during?: (connection: Connection, seq: number, pid: number) => Promise<void>): Promise<Ran> {
  const connection = await executor.monitor(id);
  const output = ['', '', ''];
  let seq = 0;
  try {
    let ended: (exit: Exit) => void = () => {};
    const exit = new Promise<Exit>((resolve) => {
      ended = resolve;
    });
    const onItem = (item: unknown): void => {
      const [stream, data] = item as [number, Uint8Array | Exit];
      if (stream === 0) ended(data as Exit);
      else output[stream] += Buffer.from(data as Uint8Array).toString();
    };
    const { pid } = (await connection.request('exec', plan, { onItem, onSent: (number) => (seq = number) })) as { pid: number };
    await during?.(connection, seq, pid);
    const status = await exit;
    return { pid, stdout: output[1] as string, stderr: output[2] as string, exit: status };
  } finally {
    connection.close();
  }
}

export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}

/** Waits until it is true; false when it is not within 5 s. */
export async function eventually(holds: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 500; tries++) {
    if (holds()) return true;
    await sleep(10);
  }
  return holds();
}
