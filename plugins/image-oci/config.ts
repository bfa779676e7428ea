/** The plugin's options in a plugin set, as a schema. Called by `index.ts`. */
import { z } from 'zod';

const absolute = z.string().regex(/^\/[^\0]*$/, 'must be an absolute path');

export const configSchema = z.strictObject({
  root: absolute.optional().describe('Folder of the image store. Default: the folder "images" in what the machine\'s kernels share.'),
  maxLayerBytes: z.number().int().positive().default(64 * 2 ** 30).describe('Bytes of one unpacked layer that are too many. Default: 64 GiB.'),
  maxLayerEntries: z.number().int().positive().default(4_000_000).describe('Entries of one layer that are too many. Default: 4 million.'),
  hostMasks: z.array(absolute).default([]).describe('Paths the image "host" hides besides those it always does.'),
  hostUnmask: z.array(absolute).default([]).describe('Paths the image "host" shows though it would hide them.'),
}).prefault({});

export type ImageOciConfig = z.output<typeof configSchema>;
