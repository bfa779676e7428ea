/**
 * Drivers that can be interrupted at any call. Comes in: implementations of runtime@1 and image@1, and what is to happen around
 * each call. Goes out: a plugin that provides both. Called by tests that fail, abort or kill at every step.
 */
import { definePlugin, Images, methodList, Runtime, type CallOptions, type Contract, type Plugin } from '@core/core/plugin';

/** Called before and after every call that answers once; what it throws is what the caller gets. */
export type Around = (step: string, phase: 'before' | 'after') => Promise<void> | void;

export function instrumentedDrivers(runtime: Runtime, images: Images, around: Around): Plugin {
  return definePlugin({
    name: 'instrumented',
    version: '0.1.0',
    api: 1,
    provides: { runtime: Runtime, images: Images },
    setup: () => ({ runtime: instrument(Runtime, runtime, around), images: instrument(Images, images, around) }),
  });
}

type Call = (request: unknown, call?: CallOptions) => Promise<unknown>;

function instrument<T extends object>(contract: Contract<T>, implementation: T, around: Around): T {
  const wrapped = methodList(contract).map(([method, { kind }]) => {
    const inner = implementation[method as keyof T] as Call;
    if (kind === 'stream') return [method, inner];
    const call: Call = async (request, options) => {
      await around(`${contract.id}.${method}`, 'before');
      const result = await inner(request, options);
      await around(`${contract.id}.${method}`, 'after');
      return result;
    };
    return [method, call];
  });
  return Object.fromEntries(wrapped) as T;
}
