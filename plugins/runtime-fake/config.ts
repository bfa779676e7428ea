/** The plugin's options in a plugin set, as a schema. Used by `index.ts`. */
import { z } from 'zod';
import { isErrorCode } from './script.js';

const code = z.string().refine(isErrorCode, 'must be an error code of the catalogue');
const codes = z.record(z.string(), code);
const milliseconds = z.number().int().nonnegative();

export const config = z
  .strictObject({
    startError: code,
    startBlockMs: milliseconds,
    exitAfterMs: milliseconds,
    exitCode: z.number().int().min(0).max(255),
    output: z.string(),
    ignoreSignals: z.array(z.string()),
    oom: z.boolean(),
    /** Methods of the runtime that fail. */
    failures: codes,
    images: z.strictObject({ missing: codes, failures: codes }).partial(),
  })
  .partial()
  .default({});
