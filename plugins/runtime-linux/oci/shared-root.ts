/**
 * The root of a container that names no mount namespace: it lies in its caller's, at a place of its own, and is taken away at `delete`. Called by
 * `plan.ts`, `namespaces.ts`, `delete.ts` and `launch.ts`.
 */
import { dirname } from 'node:path';
import type { Oci } from '@core/core/plugin';
import type { MonitorStep } from '../protocol.js';
import type { Container } from './state.js';

export function sharesMounts({ linux }: Oci.Spec): boolean {
  return !(linux?.namespaces ?? []).some(({ type }) => type === 'mount');
}

/** Beside the containers' folders, which are removed with all that is in them: no id begins with a tilde. */
export function sharedRoot({ folder, record }: Container): string {
  return `${dirname(folder)}/~${record.id}`;
}

export function removalSteps(container: Container): MonitorStep[] {
  const place = sharedRoot(container);
  return [['unmount', place], ['rmdir', place]];
}

export async function removeSharedRoot(container: Container): Promise<void> {
  if (!sharesMounts(container.record.config)) return;
  const { askOnce } = await import('./once.js');
  const { started, ended } = askOnce('teardown', removalSteps(container), { fds: 0 });
  await started;
  await ended;
}
