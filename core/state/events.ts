/**
 * The journal of what happened. Comes in: events as the bus numbered them. Goes out: the same on request, over restarts.
 * Called by `createKernel`, which lets it listen to the bus, and by the operations for `system.events`.
 */
import type { EngineEvent } from '../contracts/index.js';
import type { Collection, Store } from './store.js';

export interface Journal {
  /** Queues the event for the next commit, together with the records changed in the same turn. */
  append(event: EngineEvent): void;
  /** What was committed after `sequence`, in order. Events older than the last 10,000 are gone. */
  since(sequence: number): EngineEvent[];
  /** Number of the latest event; 0 before the first. */
  readonly last: number;
}

const KEPT = 10_000;

export function openJournal(store: Store): Journal {
  const events: Collection<EngineEvent> = store.collection('events');
  let last = Number(events.entries({ reverse: true, limit: 1 })[0]?.[0] ?? 0);
  let oldest = Number(events.entries({ limit: 1 })[0]?.[0] ?? 1);
  return {
    get last() {
      return last;
    },
    append(event) {
      last = event.sequence;
      const write = store.write(() => {
        events.put(last, event);
        while (last - oldest >= KEPT) events.delete(oldest++);
      });
      // An event that cannot be kept was still told; the record beside it reports the disk's trouble.
      write.catch(() => {});
    },
    since: (sequence) => events.entries({ after: sequence }).map(([, event]) => event),
  };
}
