/**
 * The life of an image, from what the user typed to its removal. Comes in: nothing. Goes out: its hooks. Run by
 * `operations/images.ts`.
 */
import type { Image } from '../contracts/index.js';
import { claim, pair, series } from '../hooks/index.js';
import { lifecycle, type Refusal } from './lifecycle.js';

export interface ImageRequest {
  /** As typed, or as a `resolve` tap rewrote it. */
  readonly reference: string;
  readonly name?: string | undefined;
  readonly platform?: string | undefined;
}

export interface ImageArrived {
  readonly reference: string;
  readonly image: Image;
}

export interface ImageRemoved {
  /** The name or id that was given. */
  readonly reference: string;
}

export const image = lifecycle('image', {
  resolve: claim<ImageRequest, string>('Says which reference is really meant (a mirror, a short name); the first answer wins.'),
  admit: claim<ImageRequest, Refusal>('May refuse an image before anything is brought.'),
  fetch: series<ImageRequest>('Runs before an image that is not stored is brought, to get ready what the transfer needs.'),
  verify: series<ImageArrived>('Judges an image whose digests have been checked; a throw keeps it out of the store.'),
  unpack: pair<ImageArrived>('Does something beside the unpacked layers, and takes it back should the rest fail.'),
  stored: series<ImageArrived>('Runs once the image can be used.'),
  removed: series<ImageRemoved>('Runs once a name or an image is gone.'),
});
