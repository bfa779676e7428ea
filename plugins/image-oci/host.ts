/** The image `host`: the machine's own root, with its secrets hidden. Comes in: the plugin's options. Goes out: its image and root filesystem. Called by the driver. */
import type { Image, Rootfs } from '@core/core/plugin';
import type { ImageOciConfig } from './config.js';
import { thisPlatform } from './format/platform.js';
import { hostMasks, hostScratch } from './host-masks.js';

export function hostImage(): Image {
  const { os, architecture } = thisPlatform();
  return { id: 'host', names: ['host'], created: 0, os, architecture, config: { cmd: ['/bin/sh'], workingDir: '/' }, layers: [], size: 0 };
}

export function hostRootfs({ own, config }: { readonly own: readonly string[]; readonly config: ImageOciConfig }): Rootfs {
  const shown = new Set(config.hostUnmask);
  // The kernel's own folders stay hidden whatever the options say.
  const masks = new Set([...[...hostMasks, ...config.hostMasks].filter((path) => !shown.has(path)), ...own]);
  return { kind: 'overlay', lowers: ['/'], masks: [...masks], scratch: hostScratch.filter(({ path }) => !shown.has(path)) };
}
