/** Comes in: the pieces and values of a template literal. Goes out: one script for the shell inside, every value quoted. Called by `shell.ts`. */
import { CoreError } from '@core/core/plugin';
import { Output } from './output.js';

/** What may stand in `${}`. A list becomes one word per element; an `Output` its stdout without the last newline. */
export type Interpolated = string | number | bigint | boolean | Output | readonly Interpolated[];

/** Throws `E_INVALID` for a value that is no word: `undefined`, `null`, an object, a text with NUL. */
export function buildScript(pieces: TemplateStringsArray, values: readonly unknown[]): string {
  const malformed = pieces.findIndex((piece) => piece === undefined);
  if (malformed >= 0) throw new CoreError('E_INVALID', { message: `malformed escape in ${pieces.raw[malformed]}`, hint: 'Write a backslash for the shell as two.' });
  return pieces.reduce((script, piece, index) => script + words(values[index - 1], index).join(' ') + piece);
}

/**
 * One word for any POSIX shell. Always in quotes, even where none seem needed: in `echo ${1}>file` a bare 1 would become a
 * file descriptor. zx's own `quote` writes bash's `$'...'`, which dash takes for a dollar sign and an open quote.
 */
export function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

function words(value: unknown, position: number): string[] {
  if (Array.isArray(value)) return value.flatMap((element) => words(element, position));
  const text = value instanceof Output ? value.stdout.replace(/\r?\n$/, '') : value;
  if (typeof text === 'string' && text.includes('\0')) throw unusable(position, 'contains NUL, which no argument can');
  if (typeof text === 'string' || typeof text === 'number' || typeof text === 'bigint' || typeof text === 'boolean') return [quote(String(text))];
  throw unusable(position, `is ${text === null ? 'null' : `of type ${typeof text}`}`);
}

function unusable(position: number, why: string): CoreError {
  return new CoreError('E_INVALID', {
    message: `value ${position} of the command ${why}`,
    hint: 'Interpolate strings, numbers, booleans, outputs, or lists of these.',
  });
}
