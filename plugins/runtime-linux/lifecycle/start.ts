/** `start`: hands the plan to the executor and learns the pid. Called by `driver.ts`. */
import { CoreError, isCoreError, type CallOptions, type StartedContainer } from '@core/core/plugin';
import type { Container } from '../container.js';
import type { Context } from '../context.js';
import { asCoreError } from '../link/failure.js';
import { handleExit, reap } from './exit.js';
import { killContainer } from './kill.js';

/** Throws E_STATE, E_SETUP, E_UNSUPPORTED, E_COMMAND, E_ABORTED, E_EXECUTOR; then nothing is left and the container is as it was. */
export async function startContainer(context: Context, container: Container, { signal }: CallOptions = {}): Promise<StartedContainer> {
  const { phase, record } = container;
  if ((phase !== 'created' && phase !== 'exited') || !record) {
    throw new CoreError('E_STATE', { message: `cannot start: container ${container.id} is ${container.status().state}`, object: container.object });
  }
  if (signal?.aborted) throw aborted(container);
  container.phase = 'starting';
  container.early = undefined;
  let started: StartedContainer;
  try {
    if (container.touched) await clearLastRun(context, container);
    container.beginRun();
    // Where there is no executor, nothing is made that one would have to remove.
    await context.executor.connection();
    container.touched = true;
    const { pid, startedAt } = (await context.executor.request('start', planFor(container))) as { pid: number; startedAt: number };
    started = { id: container.id, pid, startedAt };
    container.tasks = undefined;
    container.markRunning(pid, startedAt);
    context.events.emit({ type: 'started', id: container.id, time: startedAt });
    if (container.early) handleExit(context, container, container.early);
  } catch (thrown) {
    await abandon(context, container, thrown);
    container.phase = phase;
    throw asCoreError(thrown, { object: container.object, command: container.record?.spec.process?.args[0] });
  }
  if (signal?.aborted) {
    await killContainer(context, container);
    throw aborted(container);
  }
  return started;
}

async function clearLastRun(context: Context, container: Container): Promise<void> {
  await container.settling;
  await context.trees.remove([container.paths.dir]);
}

/** Encoded ahead for the first start; a later one is rare enough to encode anew. */
function planFor(container: Container): unknown {
  const { encoded } = container;
  container.encoded = undefined;
  return encoded ?? container.plan;
}

/** The executor cleans up after a failed plan; when it died over it, its successor does. */
async function abandon(context: Context, container: Container, thrown: unknown): Promise<void> {
  if (!isCoreError(thrown, 'E_EXECUTOR') || context.closed) return;
  await reap(context, container).catch((again: unknown) => context.warn(`cannot clean up after the start of ${container.id}: ${String(again)}`));
}

function aborted(container: Container): CoreError {
  return new CoreError('E_ABORTED', { message: `the start of ${container.id} was aborted`, object: container.object });
}
