/**
 * A door that can be shut for a while. Comes in: calls. Goes out: the same calls, held back while it is shut and counted while
 * they are under way. Called by ports and hooks, which a swap shuts, drains and opens again.
 */
import { bounded } from './bounded.js';

export class Gate {
  /** Calls under way. */
  inflight = 0;
  #shut: { readonly opened: Promise<void>; readonly open: () => void } | undefined;
  #idle: Array<() => void> = [];

  get isOpen(): boolean {
    return this.#shut === undefined;
  }

  shut(): void {
    if (this.#shut) return;
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => (open = resolve));
    this.#shut = { opened, open };
  }

  open(): void {
    const shut = this.#shut;
    this.#shut = undefined;
    shut?.open();
  }

  /** Resolves when the door opens; rejects with `E_ABORTED` when the caller gives up before. Look again: it may be shut by then. */
  async passed(what: string, signal?: AbortSignal): Promise<void> {
    if (this.#shut) await bounded(this.#shut.opened, { what, deadline: 0, signal });
  }

  enter(): void {
    this.inflight++;
  }

  leave(): void {
    if (--this.inflight > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Resolves once no call is under way. */
  drained(): Promise<void> {
    return this.inflight === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }
}
