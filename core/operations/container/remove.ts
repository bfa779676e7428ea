/**
 * Removes containers. Comes in: a name. Goes out: nothing, and nothing is left. Called through `engine@1`, after the end of a
 * container that asked for it, and when the kernel closes.
 */
import type { CallOptions, Engine } from '../../contracts/index.js';
import type { Context } from '../context.js';
import type { Container } from './registry.js';
import { endGently } from './stop.js';

type Remove = Parameters<Engine['containers']['remove']>[0];

export async function remove(context: Context, { container: reference, force = false }: Remove, { signal }: CallOptions = {}): Promise<void> {
  const container = context.registry.find(reference);
  // A `stop` with patience left must not keep a forced removal waiting.
  if (force && runs(container) && container.lock.busy) await context.runtime.signal({ id: container.id, signal: 'SIGKILL', all: true }, { signal });
  await container.lock.run(async () => {
    // Somebody else removed it while we waited for our turn.
    if (container.discarded) return;
    if (!force) container.require(['created', 'exited'], 'Stop it first, or set "force".');
    await removeNow(context, container, signal);
  });
}

/** Behind the lock. What runs is killed. */
export async function removeNow(context: Context, container: Container, signal?: AbortSignal): Promise<void> {
  if (container.discarded || !container.record) return;
  const { id, name, known } = container;
  await context.saga({ operation: 'container.remove', object: container.object, signal }, async (saga) => {
    const unchanged = (): void => {};
    saga.record(unchanged, unchanged);
    if (runs(container)) {
      // From the first kill on there is no way back, so the intent must be safe before it.
      await saga.recorded();
      await endGently(context, container, { seconds: 0, signal });
    }
    await container.aftermath;
    await context.runtime.remove({ id });
    container.embodied = false;
    await context.images.release({ owner: id });
    await saga.recorded();
    // Not awaited: with the intent on record, recovery would finish the removal.
    void saga.commit(() => context.records.delete(id));
  });
  container.discarded = true;
  context.registry.drop(container);
  context.events.emit({ type: 'container.removed', object: container.object, data: { image: known.image } });
  await context.hooks.container.removed.run({ id, name });
}

function runs({ record }: Container): boolean {
  return record?.state === 'running' || record?.state === 'paused';
}
