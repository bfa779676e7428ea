/**
 * The calls the other end has made. Comes in: call frames and what follows them. Goes out: the implementation's answers as
 * frames. Used by `link.ts`.
 */
import type { Contract, MethodSpec } from '../contracts/define.js';
import { CoreError, type ErrorJson } from '../errors/index.js';
import { resolveMethods, type Implementation } from './port.js';
import { ERROR, type CallHeader, type Limits } from './protocol.js';
import { RunningCall } from './running-call.js';
import type { Wire } from './wire.js';

/** A contract and what implements it; `exported` checks that the two belong together. */
export type Export = readonly [contract: Contract<unknown>, implementation: unknown];

/** Pairs a contract with its implementation, type-checked. */
export function exported<T>(contract: Contract<T>, implementation: T): Export {
  return [contract as Contract<unknown>, implementation];
}

/** By contract key, then by method name. */
export type ExportedMethods = ReadonlyMap<string, ReadonlyMap<string, { spec: MethodSpec; run: Implementation }>>;

/** Throws `E_PLUGIN` when an implementation lacks a method. */
export function resolveExports(exports: readonly Export[]): ExportedMethods {
  return new Map(exports.map(([contract, implementation]) => [contract.key, resolveMethods(contract, implementation)]));
}

export class IncomingCalls {
  readonly #wire: Wire;
  readonly #limits: Limits;
  readonly #methods: ExportedMethods;
  readonly #running = new Map<number, RunningCall>();
  #highest = 0;

  constructor(wire: Wire, limits: Limits, methods: ExportedMethods) {
    this.#wire = wire;
    this.#limits = limits;
    this.#methods = methods;
  }

  /** Throws `E_PROTOCOL` for an id used before, or more calls at a time than allowed. */
  call(id: number, target: readonly [contract: string, method: string], request: unknown, header: CallHeader): void {
    if (id <= this.#highest) throw new CoreError('E_PROTOCOL', { message: `call ${id} came after call ${this.#highest}` });
    if (this.#running.size >= this.#limits.maxCalls) throw new CoreError('E_PROTOCOL', { message: `more than ${this.#limits.maxCalls} calls at a time` });
    this.#highest = id;
    const method = this.#methods.get(target[0])?.get(target[1]);
    if (!method) {
      this.#wire.send([ERROR, id, unknownMethod(target).toJSON()]);
      return;
    }
    const running = new RunningCall({ id, wire: this.#wire, header, window: this.#limits.window });
    this.#running.set(id, running);
    void running.run(method, request).finally(() => this.#running.delete(id));
  }

  cancel(id: number): void {
    this.#running.get(id)?.cancel(new CoreError('E_ABORTED', { message: 'the caller aborted the call' }));
  }

  credit(id: number, bytes: number): void {
    this.#running.get(id)?.credit.grant(bytes);
  }

  input(id: number, bytes: Uint8Array, size: number): void {
    this.#running.get(id)?.input?.push(bytes, size);
  }

  inputEnd(id: number, error?: ErrorJson): void {
    this.#running.get(id)?.input?.finish(error && CoreError.fromJSON(error));
  }

  /** The link is over: nobody waits for these any more. */
  end(reason: CoreError): void {
    for (const running of this.#running.values()) running.cancel(reason);
  }
}

function unknownMethod([contract, method]: readonly [string, string]): CoreError {
  return new CoreError('E_UNSUPPORTED', { message: `the other end has no ${contract} ${method}`, object: { kind: 'contract', id: contract } });
}
