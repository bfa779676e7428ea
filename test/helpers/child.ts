/**
 * Starts a fixture program and follows its lines. Comes in: the compiled program's URL. Goes out: its lines, and ways to wait
 * for one or kill it. Called by tests that need a process to die.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Child {
  readonly pid: number;
  /** Every line of stdout so far. */
  readonly lines: string[];
  /** Resolves with the first line that fits; rejects when the program ends before. */
  line(fits: (line: string) => boolean): Promise<string>;
  /** `kill -9`, and waits for the end of its output. */
  kill(): Promise<void>;
}

export function startChild(program: URL, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Child {
  const child = spawn(process.execPath, [fileURLToPath(program), ...args], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let ended = false;
  const wake = () => {
    for (const check of waiting) check();
  };
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push(text);
    wake();
  });
  const closed = once(child, 'close').then(() => {
    ended = true;
    wake();
  });
  return {
    pid: child.pid ?? 0,
    lines,
    line: (fits) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const found = lines.find(fits);
          if (found === undefined && !ended) return;
          waiting.delete(check);
          if (found === undefined) reject(new Error(`the program ended; it had said: ${lines.join(' | ')}`));
          else resolve(found);
        };
        waiting.add(check);
        check();
      }),
    async kill() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}
