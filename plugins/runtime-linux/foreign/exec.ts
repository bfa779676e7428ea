/**
 * An exec in a container of `core-oci`, which has no monitor: an executor of its own serves it, as it does `core-oci exec`.
 * Comes in: the request of `runtime.exec`. Goes out: its events. Called by `index.ts`.
 */
import { randomBytes } from 'node:crypto';
import { CoreError, type CallOptions, type ExecRequest, type ProcessEvent } from '@core/core/plugin';
import type { Context } from '../context.js';
import { Queue } from '../events.js';
import { checkExec } from '../lifecycle/process.js';
import { asCoreError } from '../link/failure.js';
import { joinedGroups } from '../oci/joined-groups.js';
import { execJoins } from '../oci/namespaces.js';
import { askOnce, type Asked } from '../oci/once.js';
import { statusOf, type Container as Found } from '../oci/state.js';
import { compileExec } from '../plan/exec.js';
import { signalNumber, signalName } from '../signals.js';
import { send } from './signal.js';

interface Wanted {
  readonly found: Found;
  readonly request: ExecRequest;
  readonly call: CallOptions | undefined;
}

/** Pids of those that run: `container/exec`. */
const running = new Map<string, number>();

export async function* execForeign(context: Context, { found, request, call = {} }: Wanted): AsyncGenerator<ProcessEvent, void, void> {
  checkExec(request);
  const { record } = found;
  const object = { kind: 'container', id: record.id };
  const status = statusOf(found);
  if (status !== 'running') throw new CoreError('E_STATE', { message: `cannot exec: container ${record.id} is ${status === 'stopped' ? 'exited' : status}, not running`, object });
  const stopped = new CoreError('E_ABORTED', { message: 'the exec was aborted', object });
  if (call.signal?.aborted) throw stopped;
  const execId = request.execId ?? randomBytes(8).toString('hex');
  const queue = new Queue<ProcessEvent>();
  const abort = (): void => queue.end(stopped);
  call.signal?.addEventListener('abort', abort, { once: true });
  let pid: number | undefined;
  try {
    const asked = askOnce('exec', planOf(context, { found, request, execId }), { fds: 0, piped: true, executor: context.executor.path });
    ({ pid } = await asked.started);
    running.set(`${record.id}/${execId}`, pid);
    yield { type: 'started', execId, pid };
    carry(asked, { queue, input: request.stdin ? call.input : undefined });
    yield* queue;
    pid = undefined;
  } catch (thrown) {
    throw call.signal?.aborted ? stopped : asCoreError(thrown, { object, command: request.args[0] });
  } finally {
    call.signal?.removeEventListener('abort', abort);
    running.delete(`${record.id}/${execId}`);
    if (pid !== undefined && !request.detach) endGroup(pid);
  }
}

/** To the process group it leads. To what is gone it succeeds. */
export function signalExec(id: string, { execId, signal }: { readonly execId: string; readonly signal: string }): void {
  const number = signalNumber(signal);
  const pid = running.get(`${id}/${execId}`);
  if (pid !== undefined) send(-pid, number);
}

/** Its consumer is gone before its end. */
function endGroup(pid: number): void {
  send(-pid, signalNumber('SIGKILL'));
}

function planOf({ host }: Context, { found: { record }, request, execId }: Omit<Wanted, 'call'> & { readonly execId: string }): Record<string, unknown> {
  const { config, pid, startTime } = record;
  const { cgroup, tasks } = joinedGroups(record, undefined);
  const plan = compileExec({ execId, request, spec: config, host, cgroup, tasks });
  // The executor stays to tell the end, whoever listens.
  return { ...plan, ...execJoins(config), pid, startTime, inherit: !plan.terminal, fds: 0, stdin: false, detach: false };
}

function carry({ ended, streams }: Asked, { queue, input }: { readonly queue: Queue<ProcessEvent>; readonly input: AsyncIterable<Uint8Array> | undefined }): void {
  const [stdin, stdout, stderr] = streams ?? [];
  if (!stdin || !stdout || !stderr) throw new CoreError('E_INTERNAL', { message: 'an exec was asked for without streams' });
  const outputs = [stdout, stderr];
  queue.onTaken = (left) => {
    if (left <= LOW_WATER) for (const output of outputs) output.resume();
  };
  outputs.forEach((output, index) => output.on('data', (data: Buffer) => {
    queue.push({ type: index === 0 ? 'stdout' : 'stderr', data });
    if (queue.length >= HIGH_WATER) for (const each of outputs) each.pause();
  }));
  const read = outputs.map((output) => new Promise<void>((resolve) => output.once('close', resolve)));
  void Promise.all([ended, ...read]).then(([exitCode]) => {
    queue.push({ type: 'exit', exitCode, ...(exitCode > SIGNALLED && exitCode < SIGNALLED + SIGNALS ? { signal: signalName(exitCode - SIGNALLED) } : {}) });
    queue.end();
  });
  stdin.on('error', () => {});
  if (input) pump(input, stdin).catch(() => stdin.end());
  else stdin.end();
}

/** Items before the process is held back, and from which on it goes on. */
const HIGH_WATER = 64;
const LOW_WATER = 16;

/** An executor that stays ends with this and the number when its process was ended by a signal. */
const SIGNALLED = 128;
const SIGNALS = 65;

async function pump(input: AsyncIterable<Uint8Array>, stdin: NodeJS.WritableStream): Promise<void> {
  for await (const chunk of input) {
    if (!stdin.write(chunk)) await new Promise((resolve) => stdin.once('drain', resolve).once('close', resolve));
  }
  stdin.end();
}
