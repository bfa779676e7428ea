/** Comes in: anything thrown. Goes out: one line `core: message` and one `hint:` on stderr, or the error as JSON; and the exit code. Called by `main.ts`. */
import { CoreError, toCoreError } from '../errors/index.js';

/** Our own failures. A command that ran gives its own code; 126 and 127 are as docker has them. */
export const OWN_FAILURE = 125;
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

export function reportFailure(thrown: unknown, { json }: { json: boolean }): number {
  const error = toCoreError(thrown);
  process.stderr.write(json ? `${JSON.stringify({ error: error.toJSON() }, null, 2)}\n` : explain(error));
  if (error.code === 'E_INTERNAL' && process.env['CORE_DEBUG']) process.stderr.write(`${error.stack ?? ''}\n`);
  return exitCodeOf(error);
}

export function explain(error: CoreError): string {
  const issues = error.issues.map(({ path, message }) => `  ${path}: ${message}\n`).join('');
  return `core: ${error.message}\n${issues}${error.hint ? `hint: ${error.hint}\n` : ''}`;
}

export function exitCodeOf(error: CoreError): number {
  if (error.code !== 'E_COMMAND') return OWN_FAILURE;
  return error.errno === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE;
}
