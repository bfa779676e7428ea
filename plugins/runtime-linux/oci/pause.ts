/** `core-oci pause` and `core-oci resume`. Called by `program.ts`. */
import { OciFailure } from './failure.js';
import { freezeGroups, thawGroups } from './freezer.js';
import type { Globals } from './globals.js';
import { load, statusOf } from './state.js';

export async function pause({ root }: Globals, id: string): Promise<void> {
  const container = load(root, id);
  const status = statusOf(container);
  if (status !== 'running' && status !== 'created') throw new OciFailure(`container not running or created: ${status}`);
  await freezeGroups(container.record.groups);
}

export function resume({ root }: Globals, id: string): void {
  const container = load(root, id);
  if (statusOf(container) !== 'paused') throw new OciFailure('container not paused');
  thawGroups(container.record.groups);
}
