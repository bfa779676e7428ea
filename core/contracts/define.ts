/**
 * What a contract is. Comes in: an id, a major version and one method table. Goes out: the run-time description from which
 * the kernel makes the Port, the IPC stub, tracing, deadlines and the conformance harness.
 *
 * Every method of every contract has the same shape, so that all of it can cross a process boundary:
 * `(request, call?) => Promise<result>` or `(request, call?) => AsyncIterable<item>`. Requests, results and items are plain
 * data (what MessagePack carries: no class, no function); what cannot be data travels in `call`.
 */
import type { Progress } from './progress.js';

export interface CallOptions {
  /** Ends the call. The implementation undoes what it began and rejects with `E_ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  /** Typed progress. Called in order; never after the call has settled. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Bytes into the call (the stdin of an exec). Read only as fast as the other end takes them. */
  readonly input?: AsyncIterable<Uint8Array> | undefined;
}

export type Method = (request: never, call?: CallOptions) => Promise<unknown> | AsyncIterable<unknown>;

/** One row of the method table. */
export interface MethodSpec<Kind extends 'call' | 'stream' = 'call' | 'stream'> {
  readonly kind: Kind;
  /** Milliseconds until a call without an answer fails with `E_TIMEOUT`; 0 means it may take as long as it likes. */
  readonly deadline: number;
  /** Whether the method reads `call.input`. */
  readonly input: boolean;
  /**
   * Whether a swap may break it off and make the same call of the next implementation (`wait`, `events`), instead of waiting
   * for it to end. A stream goes on with what the next implementation yields.
   */
  readonly resumable: boolean;
}

/** An interface written as methods, or as groups of methods one level deep (`containers.create`). */
export type Methods<T> = {
  readonly [K in keyof T]: T[K] extends (request: never, call?: CallOptions) => infer R
    ? MethodSpec<R extends AsyncIterable<unknown> ? 'stream' : 'call'>
    : Methods<T[K]>;
};

export interface Contract<T, Id extends string = string> {
  readonly id: Id;
  readonly version: number;
  /** `id@version`, as it stands in manifests, plans and errors. */
  readonly key: string;
  readonly methods: Methods<T>;
  /** Carries the interface for inference; never present at run time. */
  readonly type?: T;
}

export type ContractType<C> = C extends Contract<infer T> ? T : never;

const DEFAULT_DEADLINE = 30_000;

interface MethodOptions {
  readonly deadline?: number;
  readonly input?: boolean;
  readonly resumable?: boolean;
}

/** A method that answers once. Default deadline: 30 s. */
export function call({ deadline = DEFAULT_DEADLINE, input = false, resumable = false }: MethodOptions = {}): MethodSpec<'call'> {
  return Object.freeze({ kind: 'call', deadline, input, resumable });
}

/** A method that answers with a sequence. No deadline: it ends when either side ends it. */
export function stream({ input = false, resumable = false }: Omit<MethodOptions, 'deadline'> = {}): MethodSpec<'stream'> {
  return Object.freeze({ kind: 'stream', deadline: 0, input, resumable });
}

/**
 * `defineContract<Runtime>()('runtime', 1, { start: call(), logs: stream() })`. Two calls, so that the interface is given
 * and the id inferred; a method missing from the table, or of the wrong kind, does not compile.
 */
export function defineContract<T>() {
  return <const Id extends string>(id: Id, version: number, methods: Methods<T>): Contract<T, Id> =>
    Object.freeze({ id, version, key: `${id}@${version}`, methods });
}

/** The table as a flat list: `[['containers.create', spec], ...]`, in the order it was written. */
export function methodList(contract: Contract<unknown>): Array<[name: string, spec: MethodSpec]> {
  return flatten(contract.methods as Record<string, unknown>, '');
}

/** An object of the contract's shape, groups included, with what `make` returns in the place of each method. Frozen throughout. */
export function mapMethods(contract: Contract<unknown>, make: (name: string, spec: MethodSpec) => unknown): object {
  return mapTable(contract.methods as Record<string, unknown>, '', make);
}

/** The method `name` (`containers.create`) of an implementation, bound to the object it stands in; `undefined` if it lacks it. */
export function methodOf(implementation: unknown, name: string): Method | undefined {
  const path = name.split('.');
  const last = path.pop() ?? '';
  const owner = path.reduce<unknown>((object, key) => (object as Record<string, unknown> | null | undefined)?.[key], implementation);
  const method = (owner as Record<string, unknown> | null | undefined)?.[last];
  return typeof method === 'function' ? (method.bind(owner) as Method) : undefined;
}

function mapTable(table: Record<string, unknown>, prefix: string, make: (name: string, spec: MethodSpec) => unknown): object {
  const entries = Object.entries(table).map(([name, row]) => [
    name,
    isMethodSpec(row) ? make(prefix + name, row) : mapTable(row as Record<string, unknown>, `${prefix}${name}.`, make),
  ]);
  return Object.freeze(Object.fromEntries(entries));
}

function flatten(table: Record<string, unknown>, prefix: string): Array<[string, MethodSpec]> {
  return Object.entries(table).flatMap(([name, row]): Array<[string, MethodSpec]> =>
    isMethodSpec(row) ? [[prefix + name, row]] : flatten(row as Record<string, unknown>, `${prefix}${name}.`),
  );
}

function isMethodSpec(row: unknown): row is MethodSpec {
  return typeof row === 'object' && row !== null && 'kind' in row && typeof row.kind === 'string';
}
