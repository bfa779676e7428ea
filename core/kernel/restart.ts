/**
 * Brings isolated plugins back whose process has ended. Comes in: a running kernel. Goes out: swaps of a failed plugin for
 * itself, with growing pauses. Called by `kernel.ts`. A plugin in this process
 * does not end by itself.
 */
import { toCoreError } from '../errors/index.js';
import type { KernelParts } from './parts.js';

export interface RestartPolicy {
  /** Restarts in a row before the plugin stays failed. Default 10. */
  readonly limit?: number | undefined;
  /** Milliseconds before the first restart; each further one waits twice as long. Default 200. */
  readonly delay?: number | undefined;
  /** Longest pause in milliseconds. Default 30 s. */
  readonly maxDelay?: number | undefined;
  /** After so many milliseconds up, the counting begins anew. Default 60 s. */
  readonly healthyAfter?: number | undefined;
}

type Policy = { readonly [K in keyof RestartPolicy]-?: number };

interface Attempts {
  count: number;
  lastUp: number;
  timer: NodeJS.Timeout | undefined;
}

/** Returns the end of it. */
export function restartFailed(parts: KernelParts): () => void {
  const { restart } = parts.settings;
  if (restart === false) return () => {};
  const { limit = 10, delay = 200, maxDelay = 30_000, healthyAfter = 60_000 } = restart ?? {};
  const restarter = new Restarter(parts, { limit, delay, maxDelay, healthyAfter });
  parts.registry.onEnded = (name) => restarter.ended(name);
  return () => restarter.stop();
}

class Restarter {
  readonly #parts: KernelParts;
  readonly #policy: Policy;
  readonly #attempts = new Map<string, Attempts>();
  #stopped = false;

  constructor(parts: KernelParts, policy: Policy) {
    this.#parts = parts;
    this.#policy = policy;
  }

  ended(name: string): void {
    if (this.#stopped) return;
    const attempts = this.#attempts.get(name) ?? { count: 0, lastUp: 0, timer: undefined };
    this.#attempts.set(name, attempts);
    if (Date.now() - attempts.lastUp > this.#policy.healthyAfter) attempts.count = 0;
    this.#schedule(name, attempts);
  }

  stop(): void {
    this.#stopped = true;
    for (const { timer } of this.#attempts.values()) clearTimeout(timer);
  }

  #schedule(name: string, attempts: Attempts): void {
    const { limit, delay, maxDelay } = this.#policy;
    if (attempts.count >= limit) {
      this.#parts.log.error({ plugin: name }, `given up after ${limit} restarts; swap the plugin to bring it back`);
      return;
    }
    clearTimeout(attempts.timer);
    attempts.timer = setTimeout(() => void this.#restart(name, attempts), Math.min(delay * 2 ** attempts.count, maxDelay));
    attempts.timer.unref();
    attempts.count++;
  }

  async #restart(name: string, attempts: Attempts): Promise<void> {
    const { registry, swapper, log } = this.#parts;
    const member = registry.member(name);
    // Somebody may have swapped it meanwhile.
    if (this.#stopped || member.state !== 'failed') return;
    try {
      await swapper.swap(name, member.entry);
      attempts.lastUp = Date.now();
      log.info({ plugin: name }, 'restarted');
    } catch (error) {
      if (this.#stopped) return;
      log.warn({ err: toCoreError(error), plugin: name }, 'a restart failed');
      this.#schedule(name, attempts);
    }
  }
}
