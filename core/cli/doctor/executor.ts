/** The executor as a program: where it is, and what the kernel lets it call. Called by the checks; nothing of the machine is changed. */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** The one that is built when the package is installed; undefined when that is not. */
export function executorPath(): string | undefined {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('@core/runtime-linux')), '..', 'executor', 'build', 'core-executor');
  } catch {
    return undefined;
  }
}

/** What it prints. Rejects when it does not run. */
export async function askExecutor(path: string, word: '--version' | '--probe'): Promise<string> {
  const { stdout } = await promisify(execFile)(path, [word], { timeout: 5_000 });
  return stdout.trim();
}

/** System calls by name, and `userns`: `present`, or the errno that stands in for an answer. A filter around us shows here and in no file. */
export async function probeCalls(): Promise<ReadonlyMap<string, string> | undefined> {
  const path = executorPath();
  const text = path === undefined ? undefined : await askExecutor(path, '--probe').catch(() => undefined);
  return text === undefined ? undefined : new Map(text.split('\n').map((line) => line.split(' ') as [string, string]));
}
