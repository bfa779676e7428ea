/**
 * Turns what a schema found wrong into our issues: a JSON path and a sentence each. Comes in: issues of zod or any Standard
 * Schema. Goes out: `ErrorIssue`s. Called by everything that validates.
 */
import type { ErrorIssue } from '../errors/index.js';

/** An issue as the Standard Schema has it (https://standardschema.dev), plus what zod adds to some. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
  readonly code?: string | undefined;
  /** `unrecognized_keys`: which. */
  readonly keys?: readonly string[] | undefined;
  /** `invalid_key`: what is wrong with the key. */
  readonly issues?: readonly SchemaIssue[] | undefined;
  /** `invalid_union`: what is wrong under each alternative. */
  readonly errors?: ReadonlyArray<readonly SchemaIssue[]> | undefined;
}

/** `at` is where the checked value stands itself, e.g. `run.web`. */
export function toIssues(found: readonly SchemaIssue[], at = ''): ErrorIssue[] {
  return found.flatMap((issue) => {
    const path = jsonPath(issue.path ?? [], at);
    if (issue.code === 'unrecognized_keys') return keyIssues(issue, path);
    if (issue.code === 'invalid_key') return [{ path, message: issue.issues?.[0]?.message ?? issue.message }];
    const meant = issue.code === 'invalid_union' ? meantAlternative(issue) : undefined;
    return meant ? toIssues(meant, path) : [{ path, message: issue.message }];
  });
}

/** One line of the message per key, see `unknownKeys`. */
function keyIssues({ keys = [], message }: SchemaIssue, path: string): ErrorIssue[] {
  const lines = message.split('\n');
  return keys.map((key, index) => ({ path: jsonPath([key], path), message: lines[index] ?? message }));
}

/** The one alternative whose own type fits, so that the faults inside it are what the user wants to hear. */
function meantAlternative({ errors = [] }: SchemaIssue): readonly SchemaIssue[] | undefined {
  const fitting = errors.filter((issues) => issues.every(({ code, path }) => code === 'unrecognized_keys' || (path?.length ?? 0) > 0));
  return fitting.length === 1 ? fitting[0] : undefined;
}

/** `jsonPath(['run', 0, 'memory'])` is `run[0].memory`; keys that are no plain words are quoted. */
export function jsonPath(path: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }>, at = ''): string {
  return path.reduce<string>((text, part) => {
    const key = typeof part === 'object' ? part.key : part;
    if (typeof key === 'number') return `${text}[${key}]`;
    const word = String(key);
    if (!/^[A-Za-z_$][\w$-]*$/.test(word)) return `${text}[${JSON.stringify(word)}]`;
    return text === '' ? word : `${text}.${word}`;
  }, at);
}

/** The message for keys a strict object does not know: one line each, with the nearest known key. */
export function unknownKeys(keys: readonly string[], known: readonly string[]): string {
  return keys.map((key) => `unknown key ${JSON.stringify(key)}${didYouMean(key, known)}`).join('\n');
}

/** `; did you mean "memory"?`, or nothing when no candidate is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const lower = word.toLowerCase();
  const near = known
    .map((candidate) => ({ candidate, distance: editDistance(lower, candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, Math.floor(Math.min(word.length, candidate.length) / 3)))
    .sort((one, other) => one.distance - other.distance)[0];
  return near ? `; did you mean ${JSON.stringify(near.candidate)}?` : '';
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other. */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let cost = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + (same ? 0 : 1));
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (swapped) cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
}
