/**
 * The image operations of `engine@1`. Comes in: references. Goes out: what the image contract answers, with hooks and events
 * around it. Made by `engine.ts`.
 */
import type { ImageOperations } from '../../contracts/index.js';
import type { Context } from '../context.js';
import { ensureImage } from './ensure.js';

export function imageOperations(context: Context): ImageOperations {
  const { images, events, hooks } = context;
  return {
    ensure: (request, call) => ensureImage(context, request, call),
    list: (request, call) => images.list(request, call),
    inspect: (request, call) => images.inspect(request, call),
    async remove({ reference }, call) {
      await images.remove({ reference }, call);
      events.emit({ type: 'image.removed', object: { kind: 'image', id: reference } });
      await hooks.image.removed.run({ reference }, call);
    },
  };
}
