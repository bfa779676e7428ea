/**
 * All containers of one kernel, in memory. Comes in: records from the state store and from `create`. Goes out: the container
 * an id, an unambiguous prefix of one, or a name means. The registry is the truth while the kernel lives; the store follows.
 */
import type { ErrorObject } from '../../errors/index.js';
import { CoreError } from '../../errors/index.js';
import type { Undo } from '../../hooks/index.js';
import type { ExitStatus } from '../../contracts/index.js';
import { Lock } from '../lock.js';
import type { ContainerRecord } from './record.js';

const SHORTEST_PREFIX = 3;
const SHORT_ID = 12;
const REMEMBERED_EXITS = 256;

/** A container and what goes on with it in this kernel. */
export class Container {
  readonly id: string;
  readonly name: string;
  /** Orders start, stop, update and remove of this container. */
  readonly lock = new Lock();
  /** Absent while `create` has not got that far. */
  record: ContainerRecord | undefined;
  /** The runtime has reserved the id: `start` need not create it first. */
  embodied = false;
  /** Takes back what the `assemble` taps made for the present life. */
  disassemble: Undo | undefined;
  /** Settles when everything that follows the last exit is done. */
  aftermath: Promise<void> = Promise.resolve();
  /** On its way out: its end is of no interest to hooks and listeners. */
  discarded = false;

  constructor(id: string, name: string | undefined) {
    this.id = id;
    this.name = name ?? id.slice(0, SHORT_ID);
  }

  /** For events, hooks and errors. */
  get object(): ErrorObject & { readonly name: string } {
    return { kind: 'container', id: this.id, name: this.name };
  }

  /** The record, for operations on what exists. */
  get known(): ContainerRecord {
    if (!this.record) throw new CoreError('E_NOT_FOUND', { message: `the container ${this.name} is still being created`, object: this.object });
    return this.record;
  }

  update(change: Partial<ContainerRecord>): void {
    this.record = { ...this.known, ...change };
  }

  /** Throws `E_STATE` unless it is in one of `states`. */
  require(states: ReadonlyArray<ContainerRecord['state']>, hint?: string): ContainerRecord {
    const { known } = this;
    if (states.includes(known.state)) return known;
    throw new CoreError('E_STATE', { message: `the container ${this.name} is ${known.state}; this needs one that is ${states.join(' or ')}`, object: this.object, hint });
  }
}

export class Registry {
  readonly #byId = new Map<string, Container>();
  readonly #byName = new Map<string, Container>();
  readonly #exits = new Map<string, ExitStatus>();
  readonly #waiters = new Map<string, Set<Waiter>>();

  /** Takes the name before anything else is done. Throws `E_EXISTS`. */
  reserve(id: string, name: string | undefined): Container {
    const container = new Container(id, name);
    const holder = this.#byName.get(container.name);
    if (holder) {
      throw new CoreError('E_EXISTS', { message: `the name ${container.name} belongs to the container ${holder.id.slice(0, SHORT_ID)}`, object: container.object });
    }
    this.#byId.set(id, container);
    this.#byName.set(container.name, container);
    return container;
  }

  /** A record read back from the store. */
  adopt(record: ContainerRecord): Container {
    const container = this.reserve(record.id, record.name);
    container.record = record;
    return container;
  }

  drop(container: Container): void {
    this.#byId.delete(container.id);
    this.#byName.delete(container.name);
    const waiters = this.#waiters.get(container.id);
    if (!waiters) return;
    this.#waiters.delete(container.id);
    const gone = new CoreError('E_NOT_FOUND', { message: `the container ${container.name} was removed`, object: container.object });
    for (const waiter of waiters) waiter.reject(gone);
  }

  /** By id, name or prefix of the id. Throws `E_NOT_FOUND`, or `E_INVALID` when a prefix means several. */
  find(reference: string): Container {
    const exact = this.#byId.get(reference) ?? this.#byName.get(reference);
    if (exact) return exact;
    const matching = reference.length < SHORTEST_PREFIX || !/^[0-9a-f]+$/.test(reference) ? [] : this.all().filter(({ id }) => id.startsWith(reference));
    const [first] = matching;
    const object = { kind: 'container', id: reference };
    if (!first) throw new CoreError('E_NOT_FOUND', { message: `no container has the id or name ${JSON.stringify(reference)}`, object, hint: 'See `core ps --all`.' });
    if (matching.length === 1) return first;
    const names = matching.map(({ id, name }) => `${id.slice(0, SHORT_ID)} (${name})`).join(', ');
    throw new CoreError('E_INVALID', { message: `the id prefix ${reference} means several containers: ${names}`, object, hint: 'Give more digits, or the name.' });
  }

  /** In the order of their making. */
  all(): Container[] {
    return [...this.#byId.values()];
  }

  /** Tells those who wait. A container that removes itself can still be asked for a while. */
  ended(container: Container, exit: ExitStatus): void {
    for (const waiter of this.#waiters.get(container.id) ?? []) waiter.resolve(exit);
    this.#waiters.delete(container.id);
    if (!container.record?.settings.remove) return;
    this.#exits.set(container.id, exit);
    const [oldest] = this.#exits.keys();
    if (this.#exits.size > REMEMBERED_EXITS && oldest !== undefined) this.#exits.delete(oldest);
  }

  /** How a container ended that removed itself. */
  exitOf(id: string): ExitStatus | undefined {
    return this.#exits.get(id);
  }

  /** The next end of the container. Rejects with the reason of `signal`, or `E_NOT_FOUND` when it is removed unstarted. */
  nextEnd(container: Container, signal: AbortSignal | undefined): Promise<ExitStatus> {
    return new Promise((resolve, reject) => {
      const waiters = this.#waiters.get(container.id) ?? new Set();
      this.#waiters.set(container.id, waiters);
      const leave = (): void => {
        waiters.delete(waiter);
        signal?.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter = { resolve: (exit) => (leave(), resolve(exit)), reject: (error) => (leave(), reject(error)) };
      const onAbort = (): void => {
        const message = `waiting for the container ${container.name} was aborted`;
        waiter.reject(new CoreError('E_ABORTED', { message, object: container.object, cause: signal?.reason }));
      };
      waiters.add(waiter);
      if (signal?.aborted) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}

interface Waiter {
  readonly resolve: (exit: ExitStatus) => void;
  readonly reject: (error: unknown) => void;
}
