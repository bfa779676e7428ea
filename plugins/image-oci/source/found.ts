/** An image that was found and read, and not yet unpacked. Comes out of the sources; goes into the driver. */
import { createHash } from 'node:crypto';
import type { ImageConfig } from '@core/core/plugin';
import type { Config } from '../format/schemas.js';
import { config as configSchema } from '../format/schemas.js';
import { fieldError, MAX_DOCUMENT, parseDocument } from '../format/document.js';
import { createdAt, imageConfig } from '../format/image-config.js';
import { requirePlatform, type Platform } from '../format/platform.js';
import type { FileRange } from './files.js';

export interface FoundLayer {
  readonly diffId: string;
  /** Of the archive as it stands, where the image says it. */
  readonly digest?: string | undefined;
  readonly range: FileRange;
}

export interface FoundImage {
  readonly id: string;
  /** What the source itself calls it. */
  readonly names: readonly string[];
  readonly created: number;
  readonly os: string;
  readonly architecture: string;
  readonly config: ImageConfig;
  readonly layers: readonly FoundLayer[];
}

export interface Wanted {
  readonly tag?: string | undefined;
  readonly platform: Platform;
}

export const MAX_CONFIG = 2 * MAX_DOCUMENT;

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** The config document, checked against what is wanted and how many layers there are. */
export function readConfig(bytes: Uint8Array, { platform, layers }: { readonly platform: Platform; readonly layers: number }): Config {
  const document = parseDocument(bytes, { schema: configSchema, what: 'config' });
  if (document.rootfs.diff_ids.length !== layers) {
    throw fieldError('config.rootfs.diff_ids', `has ${document.rootfs.diff_ids.length} entries for ${layers} layers`);
  }
  requirePlatform({ os: document.os, architecture: document.architecture, variant: document.variant ?? undefined }, platform);
  return document;
}

export function foundImage(document: Config, rest: Pick<FoundImage, 'id' | 'names' | 'layers'>): FoundImage {
  return { ...rest, created: createdAt(document), os: document.os, architecture: document.architecture, config: imageConfig(document) };
}
