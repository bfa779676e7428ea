/**
 * Ports from a method table. Comes in: a contract and one function that carries a call out. Goes out: a plain frozen object
 * with the contract's methods, groups included. Called by `link.ts`; `resolveMethods` does the reverse for an implementation.
 */
import { methodList, type CallOptions, type Contract, type MethodSpec } from '../contracts/define.js';
import { CoreError } from '../errors/index.js';

/** Carries out one call. Gives a promise for a `call`, an async iterable for a `stream`. */
export type Invoke = (name: string, spec: MethodSpec, request: unknown, call: CallOptions | undefined) => unknown;

export type Implementation = (request: unknown, call: CallOptions) => unknown;

/** The contract's interface, each method forwarding to `invoke`. */
export function makePort<T>(contract: Contract<T>, invoke: Invoke): T {
  const port: Record<string, unknown> = {};
  for (const [name, spec] of methodList(contract)) {
    const [group, method] = name.split('.') as [string, string | undefined];
    const forward = (request: unknown, call?: CallOptions): unknown => invoke(name, spec, request, call);
    if (method === undefined) port[group] = forward;
    else ((port[group] ??= {}) as Record<string, unknown>)[method] = forward;
  }
  for (const member of Object.values(port)) Object.freeze(member);
  return Object.freeze(port) as T;
}

/** An implementation's methods by their names in the table. Throws `E_PLUGIN` when one is missing. */
export function resolveMethods(contract: Contract<unknown>, implementation: unknown): Map<string, { spec: MethodSpec; run: Implementation }> {
  const resolved = new Map<string, { spec: MethodSpec; run: Implementation }>();
  for (const [name, spec] of methodList(contract)) {
    const [owner, method] = locate(implementation, name);
    const found = owner?.[method];
    if (typeof found !== 'function') {
      throw new CoreError('E_PLUGIN', { message: `the implementation of ${contract.key} has no method ${name}`, object: { kind: 'contract', id: contract.key } });
    }
    resolved.set(name, { spec, run: (request, call) => (found as Implementation).call(owner, request, call) });
  }
  return resolved;
}

function locate(implementation: unknown, name: string): [owner: Record<string, unknown> | undefined, method: string] {
  const parts = name.split('.');
  const method = parts.pop() as string;
  let owner = implementation as Record<string, unknown> | undefined;
  for (const part of parts) owner = owner?.[part] as Record<string, unknown> | undefined;
  return [owner, method];
}
