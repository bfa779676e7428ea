/** `core-oci run`: create, start and, in the foreground, wait and delete in one. Comes out: the exit status. Called by `program.ts`. */
import { destroy } from './delete.js';
import { foreground } from './foreground.js';
import type { Globals } from './globals.js';
import { launch, type LaunchOptions } from './launch.js';
import { afterStart } from './start.js';

export interface RunOptions extends LaunchOptions {
  readonly detach: boolean;
  readonly keep: boolean;
}

export async function run(globals: Globals, id: string, options: RunOptions): Promise<number> {
  const { container, asked } = await launch(globals, id, { options, mode: options.detach ? 'detached' : 'foreground' });
  if (options.detach) {
    await afterStart(globals, container);
    return 0;
  }
  const status = foreground(asked);
  await afterStart(globals, container);
  try {
    return await status;
  } finally {
    if (!options.keep) await destroy(globals, container);
  }
}
