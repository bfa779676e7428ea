/**
 * What a consumer holds. Comes in: a contract and the slot of its provider. Goes out: a plain frozen object of the contract's
 * shape whose methods forward to whoever is in the slot at that moment. Made by `slot.ts`, once per provider and contract.
 *
 * A call is counted while it is under way, held back while the slot is shut, given up at the deadline of the method table. A
 * caller's signal reaches the implementation, which unwinds and rejects; the port does not run ahead of it.
 */
import { mapMethods, type CallOptions, type Contract, type MethodSpec } from '../contracts/index.js';
import { PortStream } from './port-stream.js';
import type { Slot } from './slot.js';

export function createPort<T>(contract: Contract<T>, slot: Slot): T {
  return mapMethods(contract, (name, spec) => (spec.kind === 'stream' ? streaming(slot, name, spec) : calling(slot, name, spec))) as T;
}

type Forward<Answer> = (request: unknown, options?: CallOptions) => Answer;

function calling(slot: Slot, name: string, spec: MethodSpec): Forward<Promise<unknown>> {
  const method = { name, spec };
  const attempt: Forward<Promise<unknown>> = (request, options) =>
    new Promise((resolve, reject) => {
      const call = slot.begin(method, options, reject);
      call.answer(request).then(
        (value) => call.end() && resolve(value),
        (error: unknown) => call.end() && reject(error),
      );
    });
  const held: Forward<Promise<unknown>> = async (request, options) => {
    // It may be shut again before this call gets its turn.
    while (!slot.isOpen) await slot.opened(name, options?.signal);
    return attempt(request, options);
  };
  const resuming: Forward<Promise<unknown>> = async (request, options) => {
    for (;;) {
      try {
        return await held(request, options);
      } catch (error) {
        if (!slot.isInterruption(error)) throw error;
      }
    }
  };
  if (spec.resumable) return resuming;
  return (request, options) => (slot.isOpen ? attempt(request, options) : held(request, options));
}

function streaming(slot: Slot, name: string, spec: MethodSpec): Forward<AsyncIterable<unknown>> {
  const method = { name, spec };
  return (request, options) => ({ [Symbol.asyncIterator]: () => new PortStream({ slot, method, request, options }) });
}
