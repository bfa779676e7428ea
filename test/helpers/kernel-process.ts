/** Kernels in processes of their own. Comes in: folders. Goes out: a process to drive, and to kill. Called by the tests of survival and of crashes. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { ContainerInfo } from '@core/core/plugin';
import { allProcesses, type ProcessEntry } from './leaks/index.js';
import type { Folders } from './stage.js';

export const fixture = (name: string): string => join(import.meta.dirname, '..', 'fixtures', name);

/** `fixtures/driven-kernel.ts` and its lines. */
export class DrivenKernel {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  private constructor(process: ChildProcessByStdio<Writable, Readable, null>) {
    this.process = process;
    this.#lines = createInterface(process.stdout)[Symbol.asyncIterator]();
  }

  static async boot({ root, runRoot }: Folders): Promise<DrivenKernel> {
    const kernel = new DrivenKernel(spawn(process.execPath, [fixture('driven-kernel.js'), root, runRoot], { stdio: ['pipe', 'pipe', 'inherit'] }));
    await kernel.#answer();
    return kernel;
  }

  async run(request: object): Promise<ContainerInfo> {
    this.process.stdin.write(`${JSON.stringify(['run', request])}\n`);
    return (await this.#answer()) as ContainerInfo;
  }

  async killed(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }

  async #answer(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the kernel ended without an answer');
    const answer: unknown = JSON.parse(value);
    if (typeof answer === 'object' && answer !== null && 'error' in answer) throw new Error(JSON.stringify(answer.error));
    return answer;
  }
}

/** Executor and monitors share a command line; the executor is the one that is nobody's child among them, or the eldest. */
export function executorOf({ runRoot }: Folders): ProcessEntry | undefined {
  const ours = allProcesses().filter(({ command }) => command.includes('core-executor') && command.includes(runRoot));
  const pids = new Set(ours.map(({ pid }) => pid));
  return ours.filter(({ parent }) => !pids.has(parent)).sort((a, b) => Number(a.startTime) - Number(b.startTime))[0];
}

/** The monitor of a container is its parent. */
export function monitorOf(pid: number): number {
  const found = allProcesses().find((entry) => entry.pid === pid);
  if (!found) throw new Error(`no process ${pid}`);
  return found.parent;
}

export async function until(what: string, holds: () => boolean | Promise<boolean>, within = 10_000): Promise<void> {
  const end = Date.now() + within;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${within} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
