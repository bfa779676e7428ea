/**
 * Standard Schema v1 (https://standardschema.dev), the part a manifest's `config` needs, so that a plugin may use zod, valibot
 * or arktype as it likes. Comes in: a schema and a value. Goes out: the validated value, or every fault with its path.
 */
import { CoreError, type ErrorIssue } from '../errors/index.js';

export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

type SchemaResult<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

interface SchemaIssue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

export type SchemaOutput<Schema> = Schema extends StandardSchema<infer _Input, infer Output> ? Output : undefined;

/** Throws `E_INVALID` with one issue per fault, paths beginning with `at` (`plugins[2].config`). */
export async function validate(schema: StandardSchema, value: unknown, at: string): Promise<unknown> {
  const result = await schema['~standard'].validate(value);
  if (!result.issues) return result.value;
  const issues = result.issues.map(({ path, message }): ErrorIssue => ({ path: writePath(at, path), message }));
  throw new CoreError('E_INVALID', { message: issues.map((issue) => `${issue.path}: ${issue.message}`).join('; '), issues });
}

function writePath(at: string, path: SchemaIssue['path'] = []): string {
  const keys = path.map((part) => (typeof part === 'object' ? part.key : part));
  return keys.reduce<string>((text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}.${String(key)}`), at);
}
