/** The log reader over a writer that rotates under it: every line once, in order. */
import { appendFile, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogEntry, LogsRequest } from '@core/core/plugin';
import test from 'ava';
import { parseLine } from '#runtime-linux/logs/lines.js';
import { readLog } from '#runtime-linux/logs/reader.js';

const time = (n: number): string => new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString();
const text = (n: number, words = `line ${n}`): string => `${time(n)} ${n % 2 ? 'stderr' : 'stdout'} F ${words}\n`;

interface World {
  readonly path: string;
  write(content: string): Promise<void>;
  rotate(): Promise<void>;
  end(): void;
  read(request?: Omit<LogsRequest, 'id'>, signal?: AbortSignal): AsyncGenerator<LogEntry>;
}

async function withLog(work: (world: World) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'core-log-'));
  const path = join(folder, 'log');
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  try {
    await work({
      path,
      write: (content) => appendFile(path, content),
      rotate: async () => {
        for (let n = 3; n > 0; n -= 1) await rename(n === 1 ? path : `${path}.${n - 1}`, `${path}.${n}`).catch(() => undefined);
      },
      end,
      read: (request = {}, signal) => readLog({ path, maxFiles: 4, ended }, request, signal),
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

const numbers = async (entries: AsyncIterable<LogEntry>): Promise<number[]> => {
  const found: number[] = [];
  for await (const { line } of entries) found.push(Number(line.slice(5)));
  return found;
};
const upTo = (n: number, from = 0): number[] => Array.from({ length: n - from }, (_, index) => from + index);

test('over rotated files, the oldest first', (t) =>
  withLog(async ({ write, rotate, read }) => {
    for (let n = 0; n < 12; n += 1) {
      if (n === 4 || n === 8) await rotate();
      await write(text(n));
    }
    t.deepEqual(await numbers(read()), upTo(12));
    for (const tail of [0, 1, 3, 4, 5, 8, 11, 12, 99]) t.deepEqual(await numbers(read({ tail })), upTo(12).slice(Math.max(0, 12 - tail)), `tail ${tail}`);
    t.deepEqual(await numbers(read({ since: Date.parse(time(5)), until: Date.parse(time(9)) })), upTo(9, 5));
  }));

test('a tail longer than what is read at once', (t) =>
  withLog(async ({ write, read }) => {
    await write(upTo(5000).map((n) => text(n, `line ${n}${' '.repeat(60)}`)).join(''));
    t.deepEqual(await numbers(read({ tail: 3000 })), upTo(5000, 2000));
  }));

test('followed through rotations, nothing is missed or repeated', (t) =>
  withLog(async ({ write, rotate, end, read }) => {
    const following = numbers(read({ follow: true }));
    for (let n = 0; n < 300; n += 1) {
      if (n > 0 && n % 25 === 0) await rotate();
      const whole = text(n);
      const cut = n % 3 === 0 ? 10 : whole.length;
      await write(whole.slice(0, cut));
      if (n % 20 === 7) await new Promise((resolve) => setTimeout(resolve, 3));
      await write(whole.slice(cut));
    }
    end();
    t.deepEqual(await following, upTo(300));
  }));

test('followed from before the first line', (t) =>
  withLog(async ({ write, end, read }) => {
    const following = numbers(read({ follow: true }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await write(text(0) + text(1));
    end();
    t.deepEqual(await following, [0, 1]);
  }));

test('following after the end ends', (t) =>
  withLog(async ({ write, end, read }) => {
    await write(text(0));
    end();
    t.deepEqual(await numbers(read({ follow: true, tail: 5 })), [0]);
  }));

test('an abort throws', (t) =>
  withLog(async ({ write, read }) => {
    await write(text(0));
    const controller = new AbortController();
    const entries = read({ follow: true }, controller.signal);
    t.is((await entries.next()).value?.line, 'line 0');
    setTimeout(() => controller.abort(), 5);
    await t.throwsAsync(entries.next(), { code: 'E_ABORTED' });
  }));

test('lines', (t) => {
  const parse = (line: string): LogEntry | undefined => parseLine(Buffer.from(line));
  t.deepEqual(parse('T stdout F a b'), { time: 'T', stream: 'stdout', line: 'a b', partial: false });
  t.deepEqual(parse('T stderr P half'), { time: 'T', stream: 'stderr', line: 'half', partial: true });
  t.deepEqual(parse('T stdout F '), { time: 'T', stream: 'stdout', line: '', partial: false });
  t.is(parse('nonsense'), undefined);
  t.is(parse('T stdin F x'), undefined);
});
