/**
 * Starts a container that was created, or that ended. Comes in: its name. Goes out: its record once the command has been
 * executed. Called through `engine@1`, and by `run.ts` as the second half of a run.
 */
import type { CallOptions, ContainerInfo, ContainerName } from '../../contracts/index.js';
import type { Context } from '../context.js';
import type { Saga } from '../saga.js';
import { embody } from './create.js';
import { watchEnd } from './exit.js';
import { toInfo } from './record.js';
import type { Container } from './registry.js';

export async function start(context: Context, { container: reference }: ContainerName, call: CallOptions = {}): Promise<ContainerInfo> {
  const container = context.registry.find(reference);
  return container.lock.run(async () => {
    container.require(['created', 'exited']);
    await container.aftermath;
    // No intent: after a crash the runtime itself says whether the container runs, and then it is adopted.
    return context.saga({ operation: 'container.start', object: container.object, signal: call.signal }, async (saga) => {
      if (!container.embodied) await revive(context, saga, container);
      await launch(context, saga, container);
      await context.store.write(() => context.records.put(container.known));
      return toInfo(container.known);
    });
  });
}

/** From a created container to a running one. */
export async function launch(context: Context, saga: Saga, container: Container): Promise<void> {
  const { id, name } = container;
  const { spec, rootfs } = container.known;
  const disassemble = await context.hooks.container.assemble.run({ id, name, spec, rootfs }, saga.call);
  saga.undo('container.assemble', disassemble);
  const { pid, startedAt } = await saga.step('runtime.start', () => context.runtime.start({ id }, saga.call), () => endAgain(context, id));
  container.disassemble = disassemble;
  container.update({ state: 'running', pid, startedAt, exit: undefined });
  context.events.emit({ type: 'container.started', object: container.object, data: { pid } });
  try {
    await context.hooks.container.started.run({ id, name, pid, startedAt }, saga.call);
  } finally {
    // Not before: however soon it ends, its `exited` comes after its `started`.
    watchEnd(context, container);
  }
}

/** The machine forgot it (it was restarted): the record suffices to make it again. */
async function revive(context: Context, saga: Saga, container: Container): Promise<void> {
  const rootfs = await saga.step('image.mount', () => context.images.mount({ id: container.known.imageId, owner: container.id }, saga.call));
  container.update({ rootfs });
  await embody(context, saga, container);
  saga.undo('runtime.create', async () => {
    container.embodied = false;
  });
}

/** The start as a whole failed after the command ran, or may have run: no life may come of it. */
async function endAgain(context: Context, id: string): Promise<void> {
  const { state } = await context.runtime.status({ id });
  if (state === 'created' || state === 'exited') return;
  await context.runtime.signal({ id, signal: 'SIGKILL', all: true });
  await context.runtime.wait({ id });
}
