/** Comes in: the output of a command that failed. Goes out: the error its promise rejects with. */
import { CoreError } from '@core/core/plugin';
import { splitLines, type Output } from './output.js';

const LAST_LINES = 10;

/** `E_EXIT`: a command ended with a code other than 0, or by a signal. The message ends with the last lines it wrote. */
export class ExitError extends CoreError {
  readonly output: Output;

  constructor(output: Output, { container, why }: { container: string; why: string }) {
    super('E_EXIT', { message: [`${firstLine(output.command)}: ${why}`, ...lastLines(output)].join('\n'), object: { kind: 'container', id: container } });
    this.output = output;
  }

  get exitCode(): number {
    return this.output.exitCode;
  }

  get signal(): string | undefined {
    return this.output.signal;
  }

  get stdout(): string {
    return this.output.stdout;
  }

  get stderr(): string {
    return this.output.stderr;
  }
}

/** How it ended, in words: `ended with exit code 127 (Command not found)`, in zx's own words for the code. */
export async function describeEnd({ exitCode, signal }: Output): Promise<string> {
  if (signal) return `ended by ${signal}`;
  // Loaded here alone: a script in which nothing fails need not pay for it.
  const { ProcessOutput } = await import('zx/core');
  const words = ProcessOutput.getExitCodeInfo(exitCode);
  return `ended with exit code ${exitCode}${words ? ` (${words})` : ''}`;
}

function lastLines(output: Output): string[] {
  const lines = splitLines(output.stderr.trim() === '' ? output.stdout : output.stderr);
  return lines.slice(-LAST_LINES).map((line) => `    ${line}`);
}

function firstLine(command: string): string {
  const [first = '', ...more] = command.trim().split('\n');
  return more.length > 0 ? `${first} ...` : first;
}
