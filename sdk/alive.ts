/**
 * Neither a connection nor an embedded kernel keeps a process from ending: a script ends when it has nothing left to do. What
 * it waits for does keep it alive: comes in an engine, goes out the same, every call under way holding the process.
 */
import { Engine, type MethodSpec } from '@core/core/plugin';

export class Hold {
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  take(): void {
    if (++this.#count === 1) this.#timer = setInterval(() => {}, 2 ** 31 - 1);
  }

  release(): void {
    if (--this.#count === 0) clearInterval(this.#timer);
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.take();
    try {
      return await work();
    } finally {
      this.release();
    }
  }

  async *through<T>(items: () => AsyncIterable<T>): AsyncGenerator<T, void> {
    this.take();
    try {
      yield* items();
    } finally {
      this.release();
    }
  }
}

export function holding(engine: Engine, hold: Hold): Engine {
  return wrap(Engine.methods, engine as unknown as Group, hold) as unknown as Engine;
}

type Call = (request: unknown, call?: unknown) => unknown;
interface Group {
  readonly [name: string]: Call | Group;
}

function wrap(table: object, target: Group, hold: Hold): Group {
  return Object.fromEntries(
    Object.entries(table).map(([name, row]: [string, MethodSpec | object]) => {
      const inner = target[name];
      return [name, 'kind' in row ? wrapMethod(inner as Call, row, hold) : wrap(row, inner as Group, hold)];
    }),
  );
}

function wrapMethod(method: Call, { kind }: MethodSpec, hold: Hold): Call {
  if (kind === 'call') return (request, call) => hold.during(async () => method(request, call));
  return (request, call) => hold.through(() => method(request, call) as AsyncIterable<unknown>);
}
