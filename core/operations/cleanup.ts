/** Frees what a kernel acquired. Comes in: labelled undos. Goes out: nothing, or one error with all failures. Called by `create-kernel.ts`. */
import { CoreError, toCoreError, type ErrorIssue } from '../errors/index.js';

/** What was acquired, freed in reverse whatever fails. */
export class Cleanup {
  readonly #undos: Array<[label: string, undo: () => unknown]> = [];

  on<T>(label: string, acquired: T, undo: (acquired: T) => unknown): T {
    this.#undos.unshift([label, () => undo(acquired)]);
    return acquired;
  }

  async run(): Promise<void> {
    await closeInOrder(this.#undos.splice(0));
  }
}

/** One after the other; throws all failures as one. */
export async function closeInOrder(parts: ReadonlyArray<[label: string, close: () => unknown]>): Promise<void> {
  const failures: CoreError[] = [];
  const issues: ErrorIssue[] = [];
  for (const [label, close] of parts) {
    try {
      await close();
    } catch (error) {
      const failure = toCoreError(error);
      failures.push(failure);
      issues.push(...(failure.issues.length > 0 ? failure.issues : [{ path: label, message: failure.message }]));
    }
  }
  const [first] = failures;
  if (!first) return;
  if (failures.length === 1) throw first;
  throw new CoreError(first.code, { message: `closing left: ${issues.map(({ path, message }) => `${path} (${message})`).join(', ')}`, issues, cause: new AggregateError(failures) });
}
