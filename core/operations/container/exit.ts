/**
 * What follows the end of a container. Comes in: the runtime's word that it ended. Goes out: the record, the event, the
 * `exited` hooks, the removal if it was asked for. Called by `start.ts` and by recovery for every container that runs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExitStatus } from '../../contracts/index.js';
import { isCoreError, toCoreError } from '../../errors/index.js';
import type { Context } from '../context.js';
import type { ContainerRecord } from './record.js';
import type { Container } from './registry.js';
import { removeNow } from './remove.js';

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 5000;

/** Waits in the background until the container has ended. */
export function watchEnd(context: Context, container: Container): void {
  void waitForEnd(context, container).then((exit) => {
    if (exit) settleEnd(context, container, exit);
  });
}

/** Records the end. Also called for a container that ended while no kernel was there to see it. */
export function settleEnd(context: Context, container: Container, exit: ExitStatus): void {
  const { name } = container;
  container.update({ state: 'exited', pid: undefined, exit });
  const disassemble = container.disassemble;
  container.disassemble = undefined;
  if (container.discarded) return context.registry.ended(container, exit);
  context.store.write(() => context.records.put(container.known)).catch((error: unknown) => context.log.error({ err: error, container: name }, 'the exit could not be recorded'));
  const { exitCode, oomKilled } = exit;
  context.events.emit({ type: 'container.exited', object: container.object, data: { exitCode, oomKilled, ...(exit.reason !== undefined && { reason: exit.reason }) } });
  container.aftermath = follow(context, container, { exit, disassemble });
  context.registry.ended(container, exit);
}

/** Nobody waits for what happens here, so whatever fails is reported and the rest goes on. */
async function follow(context: Context, container: Container, { exit, disassemble }: { exit: ExitStatus; disassemble: (() => Promise<void>) | undefined }): Promise<void> {
  const { id, name } = container;
  const attempt = async (what: string, work: () => Promise<void> | undefined): Promise<void> => {
    try {
      await work();
    } catch (error) {
      context.log.error({ err: error, container: name }, what);
    }
  };
  if (disassemble) await attempt('what was assembled for the container could not be taken back', disassemble);
  await attempt('a tap of container.exited failed', () => context.hooks.container.exited.run({ id, name, exit }));
  if (container.known.settings.remove) void container.lock.run(() => attempt('the container could not be removed', () => removeNow(context, container)));
}

/** `undefined`: the kernel closes, or the container was removed. */
async function waitForEnd(context: Context, container: Container): Promise<ExitStatus | undefined> {
  for (let pause = FIRST_RETRY_MS; ; pause = Math.min(pause * 2, LAST_RETRY_MS)) {
    try {
      return await context.runtime.wait({ id: container.id }, { signal: context.closing });
    } catch (error) {
      if (context.closing.aborted || container.discarded) return undefined;
      if (isCoreError(error, 'E_NOT_FOUND')) return lostExit(container.known);
      // The runtime is being swapped, or its process starts anew: the container does not care, so neither do we.
      context.log.warn({ err: toCoreError(error), container: container.name }, 'waiting for the container was interrupted');
      await sleep(pause, undefined, { signal: context.closing }).catch(() => {});
    }
  }
}

const LOST_CODE = 255;

/** The exit of a container the runtime knows nothing of any more (the machine was restarted). */
export function lostExit({ startedAt, createdAt }: ContainerRecord): ExitStatus {
  return { exitCode: LOST_CODE, oomKilled: false, reason: 'lost', startedAt: startedAt ?? createdAt, finishedAt: Date.now() };
}
