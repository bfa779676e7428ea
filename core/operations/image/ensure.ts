/**
 * Makes an image available. Comes in: a reference. Goes out: the image, stored and verified, with every hook of its life run.
 * Called through `engine@1` and first of all by `container/create.ts`.
 */
import type { CallOptions, Image, ImageOperations } from '../../contracts/index.js';
import { CoreError, isCoreError } from '../../errors/index.js';
import type { ImageRequest } from '../../lifecycle/image.js';
import type { Context } from '../context.js';

type Ensure = Parameters<ImageOperations['ensure']>[0];

export async function ensureImage(context: Context, asked: Ensure, call: CallOptions = {}): Promise<Image> {
  const meant = await context.hooks.image.resolve.run(asked, call);
  const request = meant === undefined ? asked : { ...asked, reference: meant };
  return (await findStored(context, request, call)) ?? bring(context, request, call);
}

/** A new name is for the store to add, a platform for it to check: both go the long way. */
async function findStored({ images }: Context, { reference, name, platform }: ImageRequest, { signal }: CallOptions): Promise<Image | undefined> {
  if (name !== undefined || platform !== undefined) return undefined;
  try {
    return await images.inspect({ reference }, { signal });
  } catch (error) {
    if (isCoreError(error, 'E_NOT_FOUND')) return undefined;
    throw error;
  }
}

async function bring(context: Context, request: ImageRequest, call: CallOptions): Promise<Image> {
  const { images, events } = context;
  const hooks = context.hooks.image;
  const { reference } = request;
  const object = { kind: 'image', id: reference };
  const refusal = await hooks.admit.run(request, call);
  if (refusal) throw new CoreError('E_REFUSED', { message: refusal.reason, object });
  // No intent: what an interrupted transfer left is the store's to drop, and it does so when it is reconciled.
  const image = await context.saga({ operation: 'image.ensure', object, signal: call.signal }, async (saga) => {
    await hooks.fetch.run(request, call);
    const arrived = await saga.step('image.ensure', () => images.ensure(request, call));
    saga.undo('image.ensure', () => images.remove({ reference: nameToDrop(arrived, request) }));
    await hooks.verify.run({ reference, image: arrived }, call);
    saga.undo('image.unpack', await hooks.unpack.run({ reference, image: arrived }, call));
    return arrived;
  });
  events.emit({ type: 'image.stored', object: { kind: 'image', id: image.id, name: reference } });
  await hooks.stored.run({ reference, image }, call);
  return image;
}

/** An image that was stored before under another name keeps that. */
function nameToDrop({ id, names }: Image, { reference, name = reference }: ImageRequest): string {
  return names.some((other) => other !== name) && names.includes(name) ? name : id;
}
