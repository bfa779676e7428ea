/** `remove`: ends the container if need be and frees all it had. Called by `driver.ts` and `reconcile.ts`. */
import type { Container } from '../container.js';
import type { Context } from '../context.js';
import { asCoreError } from '../link/failure.js';
import type { Paths } from '../plan/input.js';
import { killContainer } from './kill.js';

/** Concurrent removals of one container are one. */
export function removeContainer(context: Context, container: Container): Promise<void> {
  container.removing ??= remove(context, container).catch((thrown: unknown) => {
    container.removing = undefined;
    throw asCoreError(thrown, { object: container.object });
  });
  return container.removing;
}

async function remove(context: Context, container: Container): Promise<void> {
  // A start in flight settles first: its outcome decides what there is to free.
  await container.starting?.catch(() => undefined);
  await killContainer(context, container);
  await container.settling;
  if (container.touched) await removeFolders(context, container.paths);
  await container.hangUp();
  context.containers.delete(container.id);
  container.markRemoved();
  context.events.emit({ type: 'removed', id: container.id, time: Date.now() });
}

/** All it has on disk and in the run root. */
export function removeFolders({ trees }: Pick<Context, 'trees'>, { dir, state, upper, work }: Paths): Promise<void> {
  return trees.remove([dir, state, upper], [work]);
}
