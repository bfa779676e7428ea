/**
 * Ends containers. Comes in: a name, a signal, a time. Goes out: the exit status, or nothing once the signal is sent. Called
 * through `engine@1` and when the kernel closes.
 */
import type { CallOptions, ContainerName, Engine, ExitStatus } from '../../contracts/index.js';
import { CoreError, isCoreError } from '../../errors/index.js';
import { signalName, signalWords } from '../../config/words.js';
import { didYouMean } from '../../config/issues.js';
import type { Context } from '../context.js';
import type { Container } from './registry.js';

type Stop = Parameters<Engine['containers']['stop']>[0];
type Kill = Parameters<Engine['containers']['kill']>[0];

export async function stop(context: Context, { container: reference, timeout }: Stop, { signal }: CallOptions = {}): Promise<ExitStatus> {
  const container = context.registry.find(reference);
  if (timeout !== undefined && !(timeout >= 0)) throw new CoreError('E_INVALID', { message: 'timeout: seconds, from 0', issues: [{ path: 'timeout', message: 'seconds, from 0' }] });
  return container.lock.run(() => endGently(context, container, { seconds: timeout, signal }));
}

interface Ending {
  /** Seconds until SIGKILL. Default: the container's own. */
  readonly seconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Fires when there is no patience left: SIGKILL at once. */
  readonly haste?: AbortSignal | undefined;
}

/** The stop signal, then SIGKILL. One that has ended answers with its exit. */
export async function endGently(context: Context, container: Container, { seconds, signal, haste }: Ending): Promise<ExitStatus> {
  const { id, known } = container;
  if (known.state === 'exited' && known.exit) return known.exit;
  const { settings, imageConfig, state } = container.require(['running', 'paused', 'exited']);
  const ended = context.registry.nextEnd(container, signal);
  // Awaited below, but an abort may come before that.
  ended.catch(() => {});
  const gentle = settings.stopSignal ?? signalName(imageConfig.stopSignal ?? '') ?? 'SIGTERM';
  const patience = haste?.aborted ? 0 : (seconds ?? settings.stopTimeout) * 1000;
  if (patience > 0) await context.runtime.signal({ id, signal: gentle }, { signal });
  // A frozen process gets its signal once it thaws.
  if (state === 'paused') await thaw(context, id, signal);
  if (patience === 0 || !(await endsWithin(ended, patience, haste))) await context.runtime.signal({ id, signal: 'SIGKILL', all: true }, { signal });
  return ended;
}

export async function kill(context: Context, { container: reference, signal = 'SIGKILL', execId, all }: Kill, call: CallOptions = {}): Promise<void> {
  const container = context.registry.find(reference);
  const name = signalName(signal);
  if (name === undefined) {
    const message = `unknown signal ${JSON.stringify(signal)}${didYouMean(signal.toUpperCase(), signalWords)}`;
    throw new CoreError('E_INVALID', { message, issues: [{ path: 'signal', message }] });
  }
  // Not behind the lock: it must reach a container whose `stop` still has patience.
  container.require(['running', 'paused']);
  await context.runtime.signal({ id: container.id, signal: name, execId, all }, { signal: call.signal });
}

export async function wait(context: Context, { container: reference }: ContainerName, { signal }: CallOptions = {}): Promise<ExitStatus> {
  const gone = context.registry.exitOf(reference);
  if (gone) return gone;
  const container = context.registry.find(reference);
  const { record } = container;
  return record?.state === 'exited' && record.exit ? record.exit : context.registry.nextEnd(container, signal);
}

async function thaw({ runtime }: Context, id: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    await runtime.resume({ id }, { signal });
  } catch (error) {
    // The signal has ended it already: not every runtime needs a thaw for that.
    if (!isCoreError(error, 'E_STATE')) throw error;
  }
}

/** Whether `ended` settles in time; a failure of it counts, and is thrown where it is awaited. */
async function endsWithin(ended: Promise<unknown>, milliseconds: number, haste: AbortSignal | undefined): Promise<boolean> {
  let giveUp = (): void => {};
  const patience = new Promise<boolean>((resolve) => {
    giveUp = () => resolve(false);
  });
  const timer = setTimeout(giveUp, milliseconds);
  haste?.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([ended.then(() => true), patience]);
  } finally {
    clearTimeout(timer);
    haste?.removeEventListener('abort', giveUp);
  }
}
