/**
 * An AbortSignal that is made when somebody asks for it. Comes in: a caller's signal, or none. Goes out: one that also fires
 * when the callee is given up. Called by ports and hooks for every call, so it must cost nothing to those that never look.
 */
export class LinkedSignal {
  readonly #parent: AbortSignal | undefined;
  #controller: AbortController | undefined;
  #given: { readonly reason: unknown } | undefined;
  #follow: (() => void) | undefined;
  #released = false;

  constructor(parent: AbortSignal | undefined) {
    this.#parent = parent;
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#link();
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#given ??= { reason };
    this.#controller?.abort(reason);
    this.release();
  }

  /** Stops following the parent, which may live much longer than the call. */
  release(): void {
    this.#released = true;
    if (this.#follow) this.#parent?.removeEventListener('abort', this.#follow);
    this.#follow = undefined;
  }

  #link(): AbortController {
    const controller = new AbortController();
    const parent = this.#parent;
    if (this.#given) controller.abort(this.#given.reason);
    else if (parent?.aborted) controller.abort(parent.reason);
    else if (parent && !this.#released) {
      this.#follow = () => controller.abort(parent.reason);
      parent.addEventListener('abort', this.#follow, { once: true });
    }
    return controller;
  }
}
