/**
 * The operations of one kernel. Comes in: its ports, hooks, events and store. Goes out: the `engine@1` implementation, ready
 * after recovery. Called by `plugin.ts`.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../contracts/index.js';
import { CoreError, toCoreError, type ErrorIssue } from '../errors/index.js';
import { containerOperations } from './container/containers.js';
import { openRecords } from './container/records.js';
import { endGently } from './container/stop.js';
import { removeNow } from './container/remove.js';
import { Registry, type Container } from './container/registry.js';
import type { Context, EngineParts } from './context.js';
import { imageOperations } from './image/images.js';
import { recover } from './recovery.js';
import { createSagas } from './saga.js';
import { systemOperations } from './system.js';

export interface RunningEngine {
  readonly engine: Engine;
  /** Ends and removes every container that is not to be kept, the last one made first; none with `leave`. Idempotent. */
  close(options?: { readonly leave?: boolean | undefined }): Promise<void>;
}

/** `haste` ends the patience of `close`: SIGKILL at once. */
export async function startEngine(parts: EngineParts, haste?: AbortSignal): Promise<RunningEngine> {
  const closing = new AbortController();
  // Every container that runs has a wait on it.
  setMaxListeners(0, closing.signal);
  const context: Context = { ...parts, records: openRecords(parts.store), registry: new Registry(), saga: createSagas(parts.store), closing: closing.signal };
  await recover(context);
  const oom = reportOom(context);
  let closed: Promise<void> | undefined;
  return {
    engine: { containers: containerOperations(context), images: imageOperations(context), system: systemOperations(context) },
    close({ leave = false } = {}) {
      closed ??= (leave ? Promise.resolve() : endAll(context, haste)).finally(() => closing.abort()).then(() => oom);
      return closed;
    },
  };
}

/** All get their signal at once, latest first, so that patience is not added up; they are removed in the same order. */
async function endAll(context: Context, haste: AbortSignal | undefined): Promise<void> {
  const passing = context.registry.all().filter(({ record }) => record?.settings.keep !== true).toReversed();
  const ended = passing.map((container) => container.lock.run(() => endOne(context, container, haste)));
  let before: Promise<unknown> = Promise.resolve();
  const removed = passing.map((container, index) => {
    before = Promise.allSettled([before, ended[index]]).then(() => container.lock.run(() => removeNow(context, container)));
    return before;
  });
  const issues = (await Promise.allSettled(removed)).flatMap((result, index): ErrorIssue[] =>
    result.status === 'rejected' ? [{ path: passing[index]?.name ?? '', message: toCoreError(result.reason).message }] : [],
  );
  if (issues.length > 0) throw new CoreError('E_STATE', { message: `not removed: ${issues.map(({ path, message }) => `${path} (${message})`).join(', ')}`, issues });
}

async function endOne(context: Context, container: Container, haste: AbortSignal | undefined): Promise<void> {
  const state = container.record?.state;
  if (state === 'running' || state === 'paused') await endGently(context, container, { haste });
}

/** The one fact that only the runtime knows. Subscribed anew when the runtime is swapped. */
async function reportOom({ runtime, registry, events, closing, log }: Context): Promise<void> {
  while (!closing.aborted) {
    try {
      for await (const { type, id } of runtime.events({}, { signal: closing })) {
        const container = type === 'oom' ? registry.all().find((candidate) => candidate.id === id) : undefined;
        if (container) events.emit({ type: 'container.oom', object: container.object });
      }
    } catch (error) {
      if (!closing.aborted) log.debug({ err: error }, 'the events of the runtime were interrupted');
    }
    await sleep(RESUBSCRIBE_MS, undefined, { signal: closing, ref: false }).catch(() => {}); // aborted: the loop ends
  }
}

const RESUBSCRIBE_MS = 200;
