/**
 * Facts after the fact. Comes in: an event of the kernel, an operation or a plugin. Goes out: the same event, numbered and
 * dated, to every listener, none of whom can hinder another. Called by the operations and through `ctx.events`.
 */
import { createNanoEvents } from 'nanoevents';
import type { EngineEvent } from '../contracts/index.js';
import { CoreError } from '../errors/index.js';

/** An event as its publisher writes it: number and time are the bus's. */
export type PublishedEvent = Omit<EngineEvent, 'sequence' | 'time'>;

export interface SubscribeOptions {
  /** Only these types; `container.*` means all that begin with `container.`. Default: all. */
  readonly types?: readonly string[] | undefined;
  /** Events a slow reader may lag behind before its subscription fails with `E_PROTOCOL`. Default 1024. */
  readonly buffer?: number | undefined;
  /** Ends the subscription quietly. */
  readonly signal?: AbortSignal | undefined;
}

/** The reading side, as plugins get it. */
export interface EventSource {
  /** Calls `listener` for every event from now on, in order, within `emit`. Returns its removal. */
  on(listener: (event: EngineEvent) => void): () => void;
  /** The events from now on. Ends when the bus closes; leaving the loop unsubscribes. */
  subscribe(options?: SubscribeOptions): AsyncIterableIterator<EngineEvent>;
  /** Publishes; returns the event as everybody sees it. Never throws because of a listener. */
  emit(event: PublishedEvent): EngineEvent;
}

export interface EventBus extends EventSource {
  /** Listeners and subscriptions there are: tests assert that none is left. */
  readonly listeners: number;
  /** Ends every subscription and drops every listener. */
  close(): void;
}

export interface EventBusOptions {
  /** Number of the first event; a store that keeps them goes on where it stopped. Default 1. */
  readonly firstSequence?: number | undefined;
  /** Told of a listener that threw. Default: a process warning. */
  readonly report?: ((error: unknown, event: EngineEvent) => void) | undefined;
}

const DEFAULT_BUFFER = 1024;

export function createEventBus({ firstSequence = 1, report = warn }: EventBusOptions = {}): EventBus {
  const emitter = createNanoEvents<{ event: (event: EngineEvent) => void; close: () => void }>();
  let sequence = firstSequence - 1;
  const on = (listener: (event: EngineEvent) => void): (() => void) =>
    emitter.on('event', (event) => {
      // nanoevents lets one throwing listener silence all later ones.
      try {
        listener(event);
      } catch (error) {
        report(error, event);
      }
    });
  return {
    on,
    subscribe: (options = {}) => subscription({ on, onClose: (end) => emitter.on('close', end) }, options),
    emit(published) {
      const event: EngineEvent = Object.freeze({ ...published, sequence: ++sequence, time: Date.now() });
      emitter.emit('event', event);
      return event;
    },
    get listeners() {
      return emitter.events.event?.length ?? 0;
    },
    close() {
      emitter.emit('close');
      emitter.events = {};
    },
  };
}

interface Source {
  on(listener: (event: EngineEvent) => void): () => void;
  onClose(end: () => void): () => void;
}

/** Listens from the moment of the call, not of the first `next`, so that nothing between the two is missed. */
function subscription(source: Source, { types, buffer = DEFAULT_BUFFER, signal }: SubscribeOptions): AsyncIterableIterator<EngineEvent> {
  const queue: EngineEvent[] = [];
  const wanted = matcher(types);
  const waiting: Array<(result: IteratorResult<EngineEvent>) => void> = [];
  let ended = false;
  let failure: CoreError | undefined;
  const end = (): void => {
    ended = true;
    for (const release of releases) release();
    for (const resolve of waiting.splice(0)) resolve({ done: true, value: undefined });
  };
  const accept = (event: EngineEvent): void => {
    if (!wanted(event.type)) return;
    const resolve = waiting.shift();
    if (resolve) resolve({ done: false, value: event });
    else if (queue.push(event) > buffer) {
      queue.pop();
      failure = new CoreError('E_PROTOCOL', { message: `the reader of events lags more than ${buffer} events behind` });
      end();
    }
  };
  const releases = [source.on(accept), source.onClose(end), () => signal?.removeEventListener('abort', end)];
  if (signal?.aborted) end();
  else signal?.addEventListener('abort', end, { once: true });

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => {
      const event = queue.shift();
      if (event) return Promise.resolve({ done: false, value: event });
      if (failure) {
        const error = failure;
        failure = undefined;
        return Promise.reject(error);
      }
      if (ended) return Promise.resolve({ done: true, value: undefined });
      return new Promise((resolve) => waiting.push(resolve));
    },
    return: () => {
      queue.length = 0;
      end();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}

function matcher(types: readonly string[] | undefined): (type: string) => boolean {
  if (types === undefined) return () => true;
  const exact = new Set(types.filter((type) => !type.endsWith('.*')));
  const prefixes = types.filter((type) => type.endsWith('.*')).map((type) => type.slice(0, -1));
  return (type) => exact.has(type) || prefixes.some((prefix) => type.startsWith(prefix));
}

function warn(error: unknown, event: EngineEvent): void {
  process.emitWarning(`a listener failed on ${event.type}: ${error instanceof Error ? error.message : String(error)}`);
}
