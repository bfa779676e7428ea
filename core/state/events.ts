/**
 * The journal of what happened. Comes in: facts. Goes out: the same with a number that only ever grows, now and on request
 * from the past. Called by the operations, which write a fact in the same batch as the change it tells of.
 */
import type { EngineEvent } from '../contracts/index.js';
import type { Collection, Store } from './store.js';

export interface Journal {
  /** Numbers the event and puts it into the current `Store.write`. */
  append(event: Omit<EngineEvent, 'sequence'>): EngineEvent;
  /** What was committed after `sequence`, in order. Events older than the last 10,000 are gone. */
  since(sequence: number): EngineEvent[];
  /** The number of the latest event; 0 before the first. */
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
      last += 1;
      const numbered: EngineEvent = { sequence: last, ...event };
      events.put(last, numbered);
      while (last - oldest >= KEPT) events.delete(oldest++);
      return numbered;
    },
    since: (sequence) => events.entries({ after: sequence }).map(([, event]) => event),
  };
}
