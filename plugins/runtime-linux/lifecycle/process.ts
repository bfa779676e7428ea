/** Exec and attach: a connection to the monitor of its own, as a sequence of events. Called by `driver.ts`. */
import { randomBytes } from 'node:crypto';
import { CoreError, isCoreError, type AttachRequest, type CallOptions, type ExecRequest, type Oci, type ProcessEvent } from '@core/core/plugin';
import type { Container } from '../container.js';
import type { Context } from '../context.js';
import { Queue } from '../events.js';
import { Issues } from '../issues.js';
import { Connection } from '../link/connection.js';
import { asCoreError } from '../link/failure.js';
import { compileExec } from '../plan/exec.js';
import { signalName } from '../signals.js';
import { checkCommand, checkEnv } from '../validate/process.js';

/** Events waiting for the consumer before the process is held back, and when it is let go again. */
const HIGH_WATER = 64;
const LOW_WATER = 16;

/** Throws E_INVALID, E_STATE, E_COMMAND, E_SETUP, E_ABORTED at the first read. */
export async function* execProcess(context: Context, { container, request, call = {} }: Asked<ExecRequest>): AsyncGenerator<ProcessEvent, void, void> {
  checkExec(request);
  container.expectRunning('exec');
  if (container.paused) throw new CoreError('E_STATE', { message: `cannot exec: container ${container.id} is paused`, object: container.object, hint: 'Resume it first.' });
  const execId = request.execId ?? randomBytes(8).toString('hex');
  const plan = compileExec({ execId, request, spec: container.record?.spec as Oci.Spec, host: context.host, cgroup: container.plan?.cgroup, tasks: container.tasks });
  yield* converse(container, { op: 'exec', argument: plan, call: request.stdin ? call : without(call), started: (pid) => ({ type: 'started', execId, pid }), command: request.args[0] });
}

export async function* attachProcess({ container, request, call = {} }: Asked<AttachRequest>): AsyncGenerator<ProcessEvent, void, void> {
  container.expectRunning('attach');
  yield* converse(container, { op: 'attach', argument: { stdin: request.stdin ?? false }, call: request.stdin ? call : without(call) });
}

interface Asked<Request> {
  readonly container: Container;
  readonly request: Request;
  readonly call: CallOptions | undefined;
}

interface Talk {
  readonly op: string;
  readonly argument: unknown;
  readonly call: CallOptions;
  readonly started?: (pid: number) => ProcessEvent;
  readonly command?: string | undefined;
}

async function* converse(container: Container, { op, argument, call, started, command }: Talk): AsyncGenerator<ProcessEvent, void, void> {
  const { object } = container;
  const stopped = new CoreError('E_ABORTED', { message: `the ${op} was aborted`, object });
  if (call.signal?.aborted) throw stopped;
  const line = await dial(container, op);
  const { queue } = line;
  const abort = (): void => {
    queue.end(stopped);
    line.connection.close();
  };
  call.signal?.addEventListener('abort', abort, { once: true });
  try {
    const { pid } = await ask(container, { line, op, argument, signal: call.signal });
    if (started) yield started(pid);
    if (call.input) pump(line.connection, { sequence: line.sequence, input: call.input }).catch(() => undefined);
    yield* queue;
  } catch (thrown) {
    throw call.signal?.aborted ? stopped : asCoreError(thrown, { object, command });
  } finally {
    call.signal?.removeEventListener('abort', abort);
    hangUp(container, { line, reusable: op === 'exec' && !call.input });
  }
}

/** A connection while one stream has it. */
interface Line {
  connection: Connection;
  readonly queue: Queue<ProcessEvent>;
  /** The number of the request. */
  sequence: number;
  /** Which of the container's runs its monitor belongs to. */
  readonly run: number;
  /** Was another stream's before. */
  readonly used: boolean;
  /** The exit has been heard, so the monitor has done with it. */
  over: boolean;
}

/** Throws E_STATE when there is no monitor any more. */
async function dial(container: Container, op: string): Promise<Line> {
  const { spare } = container;
  container.spare = undefined;
  const used = spare?.isOpen === true;
  const connection = used ? spare : await open(container, op);
  connection.busy();
  return { connection, queue: new Queue(), sequence: 0, run: container.run, used, over: false };
}

function open({ paths, object }: Container, op: string): Promise<Connection> {
  return Connection.open(`${paths.dir}/ctl`).catch((thrown: unknown) => {
    throw new CoreError('E_STATE', { message: `cannot ${op}: the container has ended`, object, cause: thrown });
  });
}

interface Question {
  readonly line: Line;
  readonly op: string;
  readonly argument: unknown;
  readonly signal: AbortSignal | undefined;
}

async function ask(container: Container, { line, op, argument, signal }: Question): Promise<{ pid: number }> {
  const send = (): Promise<unknown> => line.connection.request(op, argument, { onItem: (item) => take(item, line), onSent: (seq) => (line.sequence = seq) });
  const { connection } = line;
  const answer = await send().catch(async (thrown: unknown) => {
    // One that was at rest may have ended unnoticed. Where a new one is let in, the container has not.
    if (!line.used || connection.isOpen || !isCoreError(thrown, 'E_EXECUTOR') || signal?.aborted) throw thrown;
    line.connection = await open(container, op);
    return send();
  });
  const lost = (): void => line.queue.end(new CoreError('E_EXECUTOR', { message: `the monitor of ${container.id} ended`, object: container.object }));
  line.connection.onGone = lost;
  if (!line.connection.isOpen) lost();
  return answer as { pid: number };
}

/** To open one costs a tenth of an exec, so one is left for the next. */
function hangUp(container: Container, { line: { connection, sequence, run, over }, reusable }: { readonly line: Line; readonly reusable: boolean }): void {
  const wanted = container.isRunning && container.run === run && !container.spare;
  if (!reusable || !over || !connection.isOpen || !wanted) return connection.close();
  connection.forget(sequence);
  connection.resume();
  connection.idle();
  container.spare = connection;
}

/** `[1|2, bytes]`, and last `[0, {exitCode, signal?}]`. */
function take(item: unknown, line: Line): void {
  const { queue, connection } = line;
  const [kind, body] = item as [number, unknown];
  if (kind === 0) {
    const { exitCode, signal } = body as { exitCode: number; signal?: number | null };
    line.over = true;
    queue.push({ type: 'exit', exitCode, ...(signal ? { signal: signalName(signal) } : {}) });
    return queue.end();
  }
  queue.push({ type: kind === 1 ? 'stdout' : 'stderr', data: body as Uint8Array });
  if (queue.length < HIGH_WATER) return;
  connection.pause();
  queue.onTaken = (left) => {
    if (left <= LOW_WATER) connection.resume();
  };
}

/** As fast as the socket takes it. A process that ends first ends the pump; an input that fails closes stdin. */
async function pump(connection: Connection, { sequence, input }: { readonly sequence: number; readonly input: AsyncIterable<Uint8Array> }): Promise<void> {
  try {
    for await (const chunk of input) {
      for (let from = 0; from < chunk.length; from += MAX_CHUNK) await connection.send(sequence, 'stdin', Buffer.from(chunk.subarray(from, from + MAX_CHUNK)));
    }
  } finally {
    await connection.send(sequence, 'stdin', null).catch(() => undefined);
  }
}

/** Well below the bound of a frame. */
const MAX_CHUNK = 64 * 1024;

function without({ input: _input, ...rest }: CallOptions): CallOptions {
  return rest;
}

export function checkExec({ id, execId, args, env = [], cwd, size }: ExecRequest): void {
  const issues = new Issues();
  checkCommand(args, { path: 'args', issues });
  checkEnv(env, { path: 'env', issues });
  issues.expect(cwd === undefined || cwd.startsWith('/'), 'cwd', 'must be an absolute path');
  issues.expect(execId === undefined || /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(execId), 'execId', 'is made of letters, digits, "_", "." and "-"');
  issues.expect(size === undefined || (isSize(size.rows) && isSize(size.columns)), 'size', 'has rows and columns between 1 and 65535');
  issues.done('cannot exec', { kind: 'container', id });
}

export function isSize(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 0xffff;
}
