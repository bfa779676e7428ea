/** The `system` operations of `engine@1`: who answers here, what is plugged in, what happens. Made by `engine.ts`. */
import type { CallOptions, EngineEvent, SystemOperations } from '../contracts/index.js';
import type { Context } from './context.js';

export function systemOperations(context: Context): SystemOperations {
  return {
    ping: async () => ({ version: context.version, pid: process.pid, root: context.root }),
    hooks: async () => context.hookMap(),
    plugins: async () => context.plugins(),
    events: (request, call) => events(context, request, call),
  };
}

/** Listens from the moment of the call; what lies before comes from the journal, without a gap and without doubles. */
function events({ events: bus, store, journal }: Context, { since }: { readonly since?: number | undefined }, { signal }: CallOptions = {}): AsyncIterable<EngineEvent> {
  const live = bus.subscribe({ signal });
  if (since === undefined) return live;
  return (async function* () {
    try {
      // The journal shows what is committed; everything before this empty write is.
      await store.write(() => {});
      let last = since;
      for (const event of journal.since(since)) {
        last = event.sequence;
        yield event;
      }
      for await (const event of live) if (event.sequence > last) yield event;
    } finally {
      await live.return?.();
    }
  })();
}
