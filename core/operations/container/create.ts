/**
 * Makes a container that does not run yet. Comes in: options. Goes out: its record, kept; the runtime has reserved the id.
 * Called through `engine@1`, and by `run.ts` as the first half of a run.
 */
import { parseContainerOptions } from '../../config/container-options.js';
import type { CallOptions, ContainerInfo, ContainerOptions, ContainerSettings } from '../../contracts/index.js';
import { CoreError } from '../../errors/index.js';
import type { Context } from '../context.js';
import { ensureImage } from '../image/ensure.js';
import type { Saga } from '../saga.js';
import { newId } from './id.js';
import { toInfo } from './record.js';
import type { Container } from './registry.js';

export async function create(context: Context, options: ContainerOptions, call: CallOptions = {}): Promise<ContainerInfo> {
  return makeContainer(context, { operation: 'container.create', options, call }, async (saga, container, settings) => {
    await prepare(context, saga, { container, settings, call });
  });
}

type Body = (saga: Saga, container: Container, settings: ContainerSettings) => Promise<void>;

interface Making {
  readonly operation: string;
  readonly options: ContainerOptions;
  readonly call: CallOptions;
}

/** What `create` and `run` share: the name is taken first and given back when the rest fails. */
export async function makeContainer(context: Context, { operation, options, call }: Making, body: Body): Promise<ContainerInfo> {
  const settings = parseContainerOptions(options);
  const container = context.registry.reserve(newId(), settings.name);
  try {
    return await container.lock.run(() =>
      context.saga({ operation, object: container.object, signal: call.signal }, async (saga) => {
        saga.undo('container.discard', async () => {
          container.discarded = true;
        });
        await body(saga, container, settings);
        return toInfo(container.known);
      }),
    );
  } catch (error) {
    context.registry.drop(container);
    if (container.record) context.events.emit({ type: 'container.removed', object: container.object });
    throw error;
  }
}

interface Preparation {
  readonly container: Container;
  readonly settings: ContainerSettings;
  readonly call: CallOptions;
}

/** From settings to a container the runtime could start. */
export async function prepare(context: Context, saga: Saga, { container, settings, call }: Preparation): Promise<void> {
  const { id, name } = container;
  const image = await saga.step('image', () => ensureImage(context, { reference: settings.image }, call));
  const requested = { id, name, settings, image };
  const refusal = await context.hooks.container.admit.run(requested, saga.call);
  if (refusal) throw new CoreError('E_REFUSED', { message: refusal.reason, object: container.object });
  const draft = await saga.step('spec', () => context.runtime.spec({ id, settings, image: image.config }, saga.call));
  const spec = await context.hooks.container.spec.run(draft, requested, saga.call);
  const rootfs = await saga.step(
    'image.mount',
    () => context.images.mount({ id: image.id, owner: id }, saga.call),
    () => context.images.release({ owner: id }),
  );
  container.record = { id, name, image: settings.image, imageId: image.id, imageConfig: image.config, settings, spec, rootfs, createdAt: Date.now(), state: 'created' };
  context.events.emit({ type: 'container.created', object: container.object, data: { image: settings.image } });
  saga.record(
    () => context.records.put(container.known),
    () => context.records.delete(id),
  );
  await embody(context, saga, container);
}

/** Gives the container its place in the runtime. */
export async function embody(context: Context, saga: Saga, container: Container): Promise<void> {
  const { id } = container;
  const { spec, rootfs, settings } = container.known;
  const io = { stdin: settings.stdin, log: settings.log };
  const { unmet = [] } = await saga.step('runtime.create', () => context.runtime.create({ id, spec, rootfs, io }, saga.call), () => context.runtime.remove({ id }));
  container.embodied = true;
  if (unmet.length === 0) return;
  container.record = { ...container.known, unmet };
  for (const { wish, reason } of unmet) context.events.emit({ type: 'container.unmet', object: container.object, data: { wish, reason } });
}
