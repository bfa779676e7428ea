/**
 * What a new kernel does with what the last one left. Comes in: the records and open intents of the root. Goes out: a
 * registry that tells the truth. Called once, before the first operation.
 *
 * An interrupted `create` is undone. An interrupted `run` is undone too, unless its container lives or has lived: then all
 * that was missing is the last write. An interrupted `remove` is finished. Then runtime and image store are told who is
 * left, end and drop everything else, and what they report is merged into the records.
 */
import type { RuntimeStatus } from '../contracts/index.js';
import { toCoreError } from '../errors/index.js';
import { lostExit, settleEnd, watchEnd } from './container/exit.js';
import type { ContainerRecord } from './container/record.js';
import type { Context } from './context.js';
import { intentsOf, type Intent } from './saga.js';

export async function recover(context: Context): Promise<void> {
  const intents = intentsOf(context.store).entries();
  const operations = new Map(intents.map(([, { object, operation }]) => [object.id, operation]));
  const records = context.records.all();
  const candidates = records.filter(({ id }) => !['container.create', 'container.remove'].includes(operations.get(id) ?? ''));
  const reported = await context.runtime.reconcile({ alive: candidates.map(({ id }) => id) });
  const statuses = new Map(reported.map((status) => [status.id, status]));

  const unborn = candidates.filter(({ id }) => operations.get(id) === 'container.run' && !hasLived(statuses.get(id)));
  for (const { id } of unborn) await context.runtime.remove({ id });
  const kept = candidates.filter((record) => !unborn.includes(record));
  await context.images.reconcile({ alive: kept.map(({ id }) => id) });

  await tidy(context, { intents, dropped: records.filter((record) => !kept.includes(record)) });
  for (const record of kept.toSorted((one, other) => one.createdAt - other.createdAt)) adopt(context, record, statuses.get(record.id));
  if (intents.length > 0) context.log.info({ intents: intents.length, kept: kept.length }, 'recovered from an interrupted kernel');
}

function hasLived(status: RuntimeStatus | undefined): boolean {
  return status !== undefined && status.state !== 'created';
}

/** Only now that all is undone: a crash in the middle of a recovery repeats it. */
async function tidy(context: Context, { intents, dropped }: { intents: Array<[string | number, Intent]>; dropped: readonly ContainerRecord[] }): Promise<void> {
  const collection = intentsOf(context.store);
  await context.store.write(() => {
    for (const [key] of intents) collection.delete(key);
    for (const { id } of dropped) context.records.delete(id);
  });
  for (const { id, name } of dropped) context.events.emit({ type: 'container.removed', object: { kind: 'container', id, name } });
}

/** The runtime's word counts for what is true now, the record for everything else. */
function adopt(context: Context, record: ContainerRecord, status: RuntimeStatus | undefined): void {
  const container = context.registry.adopt(record);
  const wasRunning = record.state === 'running' || record.state === 'paused';
  if (!status) {
    if (wasRunning) settleEnd(context, container, lostExit(record));
    return;
  }
  container.embodied = true;
  if (status.state === 'running' || status.state === 'paused') {
    container.update({ state: status.state, pid: status.pid, startedAt: status.startedAt, exit: undefined });
    watchEnd(context, container);
  } else if (status.exit && (wasRunning || record.exit?.finishedAt !== status.exit.finishedAt)) {
    container.update({ startedAt: status.exit.startedAt });
    settleEnd(context, container, status.exit);
  } else if (status.state === 'created' && wasRunning) {
    settleEnd(context, container, lostExit(record));
  }
  context.store.write(() => context.records.put(container.known)).catch((error: unknown) => context.log.error({ err: toCoreError(error) }, 'a record could not be written'));
}
