/** Collects every fault of an input with its JSON path, then throws them together. Called by all that validates. */
import { CoreError, type ErrorIssue, type ErrorObject } from '@core/core/plugin';

export class Issues {
  readonly #found: ErrorIssue[] = [];

  get count(): number {
    return this.#found.length;
  }

  add(path: string, message: string): void {
    this.#found.push({ path, message });
  }

  /** Adds the fault unless `ok`; answers with `ok`. */
  expect(ok: boolean, path: string, message: string): boolean {
    if (!ok) this.add(path, message);
    return ok;
  }

  /** Throws E_INVALID that names every fault, if there is one. */
  done(what: string, object?: ErrorObject): void {
    if (this.#found.length === 0) return;
    const shown = this.#found.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ');
    throw new CoreError('E_INVALID', { message: `${what}: ${shown}`, issues: this.#found, object });
  }
}

/** `a.b` and `a[3]` and `a["x.y"]`. */
export function at(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path ? `${path}.${key}` : key;
}
