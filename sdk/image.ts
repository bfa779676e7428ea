/** Comes in: an image an engine has stored. Goes out: a handle for scripts, to run it or drop it. */
import type { ContainerOptions, Engine, Image } from '@core/core/plugin';
import type { RunningContainer } from './container.js';
import { toCall, type VerbOptions } from './duration.js';

export type RunOptions = Omit<ContainerOptions, 'image'> & VerbOptions;

export interface StoredImage {
  /** Digest of its config, or `host`. */
  readonly id: string;
  readonly info: Image;
  run(options?: RunOptions): Promise<RunningContainer>;
  /** Drops it with all its names; `E_IN_USE` while a container uses it. */
  remove(options?: VerbOptions): Promise<void>;
}

export function toImage(engine: Engine, info: Image, run: (image: string, options?: RunOptions) => Promise<RunningContainer>): StoredImage {
  return {
    id: info.id,
    info,
    run: (options) => run(info.id, options),
    remove: async (options = {}) => {
      await engine.images.remove({ reference: info.id }, toCall(options));
    },
  };
}
