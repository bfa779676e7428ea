/** What went wrong, in the words callers of an OCI runtime look for. Comes in: anything thrown. Goes out: an `OciFailure`. Called by every command and by `main.ts`. */
import type { StepError } from '../link/failure.js';

/** Its message is shown as it is; engines match parts of it. */
export class OciFailure extends Error {
  override readonly name = 'OciFailure';

  constructor(message: string, readonly exitCode = 1) {
    super(message);
  }
}

export const doesNotExist = (): OciFailure => new OciFailure('container does not exist');

export const noProcess = (): OciFailure => new OciFailure('cannot start a container whose config.json has no process');

/** `command` is argv[0]: a command that cannot be found is told as a shell of Go's would. */
export function startFailure(thrown: unknown, command: string): Error {
  if (!isStepError(thrown)) return thrown instanceof Error ? thrown : new Error(String(thrown));
  const { failure, errno } = thrown;
  if (failure.step === 'exec' || failure.step === 'lookup') return new OciFailure(`unable to start container process: exec: ${commandWords(command, errno, failure.message)}`);
  if (failure.step === 'cwd') return new OciFailure(`unable to start container process: chdir to cwd failed: ${failure.message} (${errno})`);
  const where = failure.index >= 0 ? `step ${failure.index} (${failure.step})` : failure.step;
  return new OciFailure(`unable to start container process: ${where}: ${failure.message}${errno === 'E0' ? '' : ` (${errno})`}`);
}

function commandWords(command: string, errno: string, message: string): string {
  const name = JSON.stringify(command);
  if (errno === 'EACCES') return `${name}: permission denied`;
  if (errno === 'ENOENT') return command.includes('/') ? `${name}: stat ${command}: no such file or directory` : `${name}: executable file not found in $PATH`;
  return `${name}: ${message} (${errno})`;
}

/** By its name, so that commands that ask no executor do not load what asks it. */
function isStepError(thrown: unknown): thrown is StepError {
  return thrown instanceof Error && thrown.name === 'StepError';
}
