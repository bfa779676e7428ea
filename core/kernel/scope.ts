/**
 * What a plugin holds, and how it is given back. Comes in: labelled undos, as things are acquired. Goes out: on closing, all of
 * them undone, last first. One per running plugin; filled through `ctx.effect`, closed by the kernel.
 */
import { bounded } from '../async/index.js';
import { CoreError, toCoreError, type ErrorIssue } from '../errors/index.js';

interface Effect {
  readonly label: string;
  readonly undo: () => unknown;
  readonly deadline: number;
}

const DEFAULT_DEADLINE = 10_000;

export class Scope {
  readonly #owner: string;
  readonly #effects = new Set<Effect>();
  #closing: Promise<void> | undefined;

  constructor(owner: string) {
    this.#owner = owner;
  }

  /** Labels of what is held, oldest first. */
  effects(): string[] {
    return [...this.#effects].map(({ label }) => label);
  }

  /**
   * Keeps an undo until closing. Returns its early release: runs it now, once, and rejects as it does. After closing the undo
   * runs at once and `E_CLOSED` is thrown, so that a setup that was given up cannot leave anything behind.
   */
  effect(label: string, undo: () => unknown, { deadline = DEFAULT_DEADLINE }: { readonly deadline?: number | undefined } = {}): () => Promise<void> {
    const effect: Effect = { label, undo, deadline };
    if (this.#closing) {
      this.#run(effect).catch((error: unknown) => process.emitWarning(toCoreError(error).message));
      throw new CoreError('E_CLOSED', { message: `${this.#owner} is closed; ${label} was undone at once`, object: { kind: 'plugin', id: this.#owner } });
    }
    this.#effects.add(effect);
    return async () => {
      if (this.#effects.delete(effect)) await this.#run(effect);
    };
  }

  /** Runs every undo, last first, each within its deadline, whatever the others do. Throws all failures as one `E_PLUGIN`. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const failures: ErrorIssue[] = [];
    for (const effect of [...this.#effects].toReversed()) {
      if (!this.#effects.delete(effect)) continue;
      await this.#run(effect).catch((error: unknown) => failures.push({ path: effect.label, message: toCoreError(error).message }));
    }
    if (failures.length === 0) return;
    throw new CoreError('E_PLUGIN', {
      message: `${this.#owner}: closing left ${failures.map(({ path, message }) => `${path} (${message})`).join(', ')}`,
      object: { kind: 'plugin', id: this.#owner },
      issues: failures,
    });
  }

  #run({ label, undo, deadline }: Effect): Promise<unknown> {
    return bounded(Promise.resolve().then(undo), { what: `${this.#owner}: undo of ${label}`, deadline });
  }
}
