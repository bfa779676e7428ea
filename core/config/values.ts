/**
 * The building blocks of our schemas: sizes, paths, names, strict objects. Comes in: JSON values. Goes out: values of one form
 * (bytes, clean paths, canonical names). Used by every schema of this folder.
 */
import { posix } from 'node:path';
import { z } from 'zod';
import { didYouMean, unknownKeys } from './issues.js';
import { capabilityName, CAPABILITIES, rlimitName, RLIMITS, signalName, signalWords } from './words.js';

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4, p: 1024 ** 5 };
const SIZE = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i;
const ID_MAX = 2 ** 31 - 1;

/** An object that refuses keys it does not know and names the nearest one it does. */
export function strict<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? unknownKeys((issue as { keys?: string[] }).keys ?? [], known) : undefined),
  });
}

/** Bytes from `4096`, `'256m'`, `'1.5g'`, `'64KiB'`: powers of 1024, as docker has it. */
export function size({ min = 0, minText = '', unlimited = false }: { min?: number; minText?: string; unlimited?: boolean } = {}) {
  const words = `a size is a whole number of bytes or a text such as "256m"${unlimited ? ', or -1 for no limit' : ''}`;
  return z.union([z.number(), z.string()], { error: words }).transform((value, context) => {
    if (unlimited && (value === -1 || value === '-1')) return -1;
    const bytes = parseSize(value);
    if (bytes === undefined) return fail(context, words);
    if (bytes < min) return fail(context, `at least ${minText || `${min} bytes`} ${minText ? '' : 'are '}needed, got ${String(value)}`);
    return bytes;
  });
}

/** Undefined when it is no size. */
export function parseSize(value: number | string): number | undefined {
  const [, digits, unit] = typeof value === 'string' ? (SIZE.exec(value.trim()) ?? []) : [undefined, String(value), ''];
  if (digits === undefined) return undefined;
  const bytes = Math.floor(Number(digits) * (UNITS[(unit ?? '').toLowerCase()] ?? Number.NaN));
  const whole = typeof value === 'string' || Number.isInteger(value);
  return whole && Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : undefined;
}

/** Text without NUL, which no path, argument or variable can carry. */
export const text = z.string().refine((value) => !value.includes('\0'), 'must not contain a NUL byte');

export const nonEmpty = text.refine((value) => value !== '', 'must not be empty');

/** Absolute; `//`, `.` and `..` are resolved away. */
export const absolutePath = text
  .refine((value) => value.startsWith('/'), { error: 'must be an absolute path', abort: true })
  .transform((value) => (value.length > 1 ? posix.normalize(value).replace(/\/$/, '') || '/' : value));

export const id = z.number().int().min(0).max(ID_MAX);

export const objectName = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/, 'a name is 1 to 128 of a-z A-Z 0-9 _ . - and begins with a letter or digit');

export const signal = z.string().transform((value, context) => signalName(value) ?? fail(context, `unknown signal ${JSON.stringify(value)}${nearest(value, 'SIG', signalWords)}`));

export const capability = z
  .string()
  .transform((value, context) => capabilityName(value) ?? fail(context, `unknown capability ${JSON.stringify(value)}${nearest(value, 'CAP_', CAPABILITIES)}`));

/** The canonical name, or the sentence that says why there is none. */
export function rlimitOf(word: string): { name: string } | { error: string } {
  const name = rlimitName(word);
  return name === undefined ? { error: `unknown resource limit ${JSON.stringify(word)}${nearest(word, 'RLIMIT_', RLIMITS)}` } : { name };
}

/** A list of numbers and ranges, as cpuset(7) has it: `0-3,8`. */
export const idList = z.string().refine(isIdList, 'a list such as "0-3,8", lowest first in every range');

function isIdList(value: string): boolean {
  return value.split(',').every((part) => {
    const range = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
    return range !== null && Number(range[2] ?? range[1]) >= Number(range[1]);
  });
}

function nearest(word: string, prefix: string, known: readonly string[]): string {
  const upper = word.toUpperCase();
  return didYouMean(upper.startsWith(prefix) ? upper : prefix + upper, known);
}

/** Reports the fault from inside a transform. */
export function fail(context: { issues: unknown[]; value: unknown }, message: string): never {
  context.issues.push({ code: 'custom', message, input: context.value });
  return z.NEVER;
}
