/** Bytes of a CRI log file in, entries out. Called by `reader.ts`. */
import type { LogEntry } from '@core/core/plugin';

const NEWLINE = 0x0a;

/** Holds back what has no newline yet: its writer is not done with it. */
export class LineSplitter {
  #rest: Buffer = Buffer.alloc(0);

  /** Calls `take` with each whole line, without its newline. */
  push(chunk: Buffer, take: (line: Buffer) => void): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      take(bytes.subarray(from, end));
      from = end + 1;
    }
    this.#rest = Buffer.from(bytes.subarray(from));
  }
}

/** `2026-01-02T03:04:05.678901234Z stdout F words`; `undefined` for what is no such line. */
export function parseLine(bytes: Buffer): LogEntry | undefined {
  const text = bytes.toString('utf8');
  const first = text.indexOf(' ');
  const second = text.indexOf(' ', first + 1);
  const third = text.indexOf(' ', second + 1);
  if (first < 0 || second < 0) return undefined;
  const stream = text.slice(first + 1, second);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  const tag = text.slice(second + 1, third < 0 ? text.length : third);
  return { time: text.slice(0, first), stream, line: third < 0 ? '' : text.slice(third + 1), partial: tag.split(':')[0] === 'P' };
}
