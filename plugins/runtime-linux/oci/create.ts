/** `core-oci create`: everything but the command itself is done, and the process waits for `start`. Called by `program.ts`. */
import type { Globals } from './globals.js';
import { launch, type LaunchOptions } from './launch.js';

export async function create(globals: Globals, id: string, options: LaunchOptions): Promise<void> {
  await launch(globals, id, { options, mode: 'create' });
}
