/**
 * JSON out of an image. Comes in: bytes nobody vouches for, and the form they must have. Goes out: data of that form. Called for every
 * index, manifest and config. Throws `E_IMAGE` that names each field at fault.
 */
import { CoreError, type ErrorIssue } from '@core/core/plugin';
import type { z } from 'zod';

/** Bytes; the image spec leaves the bound open, registries take 4 MiB. */
export const MAX_DOCUMENT = 4 << 20;

export function parseDocument<S extends z.ZodType>(bytes: Uint8Array, { schema, what }: { readonly schema: S; readonly what: string }): z.output<S> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw imageError(`${what} is not JSON`, { issues: [{ path: what, message: 'is not JSON in UTF-8' }], cause });
  }
  const { success, data, error } = schema.safeParse(json);
  if (success) return data;
  const issues = error.issues.slice(0, 20).map((issue): ErrorIssue => ({ path: fieldPath(what, issue.path), message: issue.message }));
  throw imageError(issues.map((issue) => `${issue.path}: ${issue.message}`).join('; '), { issues });
}

/** `E_IMAGE` with the field in `issues`. */
export function fieldError(path: string, message: string): CoreError {
  return imageError(`${path}: ${message}`, { issues: [{ path, message }] });
}

export function imageError(message: string, { issues, cause }: { readonly issues?: readonly ErrorIssue[]; readonly cause?: unknown } = {}): CoreError {
  return new CoreError('E_IMAGE', { message, issues, cause });
}

function fieldPath(what: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${String(part)}`), what);
}
