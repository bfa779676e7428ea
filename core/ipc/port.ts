/**
 * Ports from a method table. Comes in: a contract and one function that carries a call out. Goes out: a plain frozen object
 * with the contract's methods, groups included. Called by `link.ts`; `resolveMethods` does the reverse for an implementation.
 */
import { mapMethods, methodList, methodOf, type CallOptions, type Contract, type MethodSpec } from '../contracts/define.js';
import { CoreError } from '../errors/index.js';

/** Carries out one call. Gives a promise for a `call`, an async iterable for a `stream`. */
export type Invoke = (name: string, spec: MethodSpec, request: unknown, call: CallOptions | undefined) => unknown;

export type Implementation = (request: unknown, call: CallOptions) => unknown;

/** The contract's interface, each method forwarding to `invoke`. */
export function makePort<T>(contract: Contract<T>, invoke: Invoke): T {
  return mapMethods(contract as Contract<unknown>, (name, spec) => (request: unknown, call?: CallOptions) => invoke(name, spec, request, call)) as T;
}

/** An implementation's methods by their names in the table. Throws `E_PLUGIN` when one is missing. */
export function resolveMethods(contract: Contract<unknown>, implementation: unknown): Map<string, { spec: MethodSpec; run: Implementation }> {
  return new Map(
    methodList(contract).map(([name, spec]) => {
      const run = methodOf(implementation, name) as Implementation | undefined;
      if (run) return [name, { spec, run }];
      throw new CoreError('E_PLUGIN', { message: `the implementation of ${contract.key} has no method ${name}`, object: { kind: 'contract', id: contract.key } });
    }),
  );
}
