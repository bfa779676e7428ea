/**
 * What a plugin set has under `run`. Comes in: its items. Goes out: containers that run, their output on ours, and in the end
 * an exit code. Used by `core run`.
 */
import type { RunItem } from '../config/load.js';
import type { CallOptions, ContainerInfo, Engine, ExitStatus, LogEntry } from '../contracts/index.js';
import { isCoreError } from '../errors/index.js';
import type { Cli } from './cli.js';
import { showProgress } from './progress.js';
import { forward, write } from './streams.js';
import { DETACH_KEYS, openTerminal } from './terminal.js';

export interface RunningContainers {
  /**
   * Of the first, in the order of the set, that ended with another code than 0; 0 otherwise. Settles once all have ended and
   * all they wrote is shown.
   */
  exitCode(): Promise<number>;
  /**
   * The stop signal to all that are not to be kept, those first that were started last; SIGKILL with `haste`. Settles once they
   * have ended.
   */
  stop(haste: AbortSignal): Promise<void>;
}

export interface RunRequest {
  readonly items: readonly RunItem[];
  readonly signal: AbortSignal;
}

/** Started in order: each after those it names. One that does not start fails the whole; the kernel's closing ends the others. */
export async function runContainers(cli: Cli, engine: Engine, { items, signal }: RunRequest): Promise<RunningContainers> {
  const width = Math.max(0, ...items.map(({ name }) => name?.length ?? 0));
  const single = items.length === 1;
  const bootedAt = Date.now();
  const display = showProgress();
  const starts = new Map<RunItem, Promise<ContainerInfo>>();
  const start = (item: RunItem): Promise<ContainerInfo> => {
    const begun = starts.get(item) ?? startItem(item);
    starts.set(item, begun);
    return begun;
  };
  async function startItem(item: RunItem): Promise<ContainerInfo> {
    await Promise.all(items.filter(({ name }) => name !== undefined && item.after.includes(name)).map(start));
    return apply(engine, item, { signal, onProgress: display.onProgress });
  }
  const shown: Array<Promise<ExitStatus>> = [];
  const passing: Array<{ readonly id: string; readonly ended: Promise<ExitStatus> }> = [];
  for (const item of items) {
    const info = await start(item).finally(display.close);
    const outlet = cli.json ? jsonOutlet(cli, info.name) : single ? rawOutlet : prefixedOutlet(cli, info.name.padEnd(width));
    const ended = show(cli, engine, { item, info, outlet, single, bootedAt });
    ended.catch(() => {}); // heard by `exitCode`, or of no interest
    shown.push(ended);
    if (item.options.keep !== true) passing.unshift({ id: info.id, ended });
  }
  return {
    exitCode: async () => (await Promise.all(shown)).find(({ exitCode }) => exitCode !== 0)?.exitCode ?? 0,
    stop: async (haste) => {
      await Promise.allSettled(passing.map(({ id }) => stopOne(engine, id, haste)));
      await Promise.allSettled(passing.map(({ ended }) => ended));
    },
  };
}

/** A container of that name that was left running by an earlier kernel is taken as it is; one that ended is made anew. */
async function apply({ containers }: Engine, { name, options }: RunItem, call: CallOptions): Promise<ContainerInfo> {
  const former = name === undefined ? undefined : (await containers.list({ all: true })).find((info) => info.name === name);
  if (former?.state === 'running' || former?.state === 'paused') return former;
  if (former) await containers.remove({ container: former.id });
  return containers.run(options, call);
}

async function stopOne({ containers }: Engine, id: string, haste: AbortSignal): Promise<void> {
  const hurry = (): void => void containers.kill({ container: id, all: true }).catch(() => {}); // gone already is fine
  haste.addEventListener('abort', hurry, { once: true });
  try {
    await containers.stop({ container: id, ...(haste.aborted && { timeout: 0 }) });
  } finally {
    haste.removeEventListener('abort', hurry);
  }
}

interface Shown {
  readonly item: RunItem;
  readonly info: ContainerInfo;
  readonly outlet: (entry: LogEntry) => Promise<void>;
  readonly single: boolean;
  /** Milliseconds since the epoch: what a container wrote before is old news. */
  readonly bootedAt: number;
}

async function show(cli: Cli, { containers }: Engine, { item, info: { id, createdAt }, outlet, single, bootedAt }: Shown): Promise<ExitStatus> {
  const { terminal, stdin, log } = item.options;
  const output = async (): Promise<void> => {
    if (single && (terminal || stdin || log === null)) return connect(cli, containers, { id, terminal, stdin });
    if (log === null) return;
    const entries = containers.logs({ container: id, follow: true, ...(createdAt < bootedAt && { since: bootedAt }) });
    for await (const entry of entries) await outlet(entry);
  };
  const [exit] = await Promise.all([containers.wait({ container: id }), output()]);
  return exit;
}

interface Connection {
  readonly id: string;
  readonly terminal?: boolean | undefined;
  readonly stdin?: boolean | undefined;
}

/** Our terminal, or our stdin, becomes the container's. */
async function connect(cli: Cli, containers: Engine['containers'], { id, terminal = false, stdin = false }: Connection): Promise<void> {
  const own = openTerminal({ raw: terminal && stdin, detachKeys: DETACH_KEYS });
  const resize = (size: { rows: number; columns: number }): void => void containers.resize({ container: id, ...size }).catch(() => {});
  try {
    if (terminal && own.size) resize(own.size);
    if (terminal) own.onResize(resize);
    await forward(containers.attach({ container: id, stdin }, { signal: own.detached, ...(stdin && { input: own.input }) }), { json: cli.json });
  } catch (error) {
    // It ended before we came: its exit is what counts.
    if (!own.detached.aborted && !isCoreError(error, 'E_STATE')) throw error;
  } finally {
    own.restore();
  }
}

async function rawOutlet({ stream, line, partial }: LogEntry): Promise<void> {
  await write(process[stream], partial ? line : `${line}\n`);
}

/** `web | line`; pieces of one line get one prefix. */
function prefixedOutlet(cli: Cli, name: string): (entry: LogEntry) => Promise<void> {
  const prefix = cli.color ? `\u001B[2m${name} |\u001B[22m ` : `${name} | `;
  const open = { stdout: false, stderr: false };
  return async ({ stream, line, partial }) => {
    const head = open[stream] ? '' : prefix;
    open[stream] = partial;
    await write(process[stream], `${head}${line}${partial ? '' : '\n'}`);
  };
}

function jsonOutlet(cli: Cli, container: string): (entry: LogEntry) => Promise<void> {
  return async (entry) => cli.printLine({ container, ...entry });
}
