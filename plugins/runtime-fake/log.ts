/**
 * The log of one fake container. Comes in: output in pieces. Goes out: lines, stored and live. Used by `container.ts`.
 */
import type { LogEntry, LogsRequest } from '@core/core/plugin';
import { Channel } from './channel.js';
import type { Output } from './process.js';

/** As with the CRI: a longer line is stored in parts. */
const MAX_LINE = 16 * 1024;

export class Log {
  readonly #entries: LogEntry[] = [];
  #live = new Channel<LogEntry>();
  readonly #rest = { stdout: '', stderr: '' };
  readonly #maxBytes: number;
  #bytes = 0;
  #ended = false;

  /** The oldest lines go when more than `maxBytes` are kept. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  write({ stream, data }: Output): void {
    const lines = (this.#rest[stream] + Buffer.from(data).toString()).split('\n');
    this.#rest[stream] = lines.pop() ?? '';
    for (const line of lines) this.#add(stream, line, false);
    while (this.#rest[stream].length > MAX_LINE) {
      this.#add(stream, this.#rest[stream].slice(0, MAX_LINE), true);
      this.#rest[stream] = this.#rest[stream].slice(MAX_LINE);
    }
  }

  /** A run begins: who follows from now on follows it. */
  begin(): void {
    this.#ended = false;
  }

  /** The run has ended: what had no newline is stored as it is, and following ends after it. */
  end(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      if (this.#rest[stream] !== '') this.#add(stream, this.#rest[stream], true);
      this.#rest[stream] = '';
    }
    this.#ended = true;
    this.#live.close();
    this.#live = new Channel();
  }

  async *read({ follow = false, tail, since = 0, until = Infinity }: Omit<LogsRequest, 'id'>, signal?: AbortSignal): AsyncGenerator<LogEntry> {
    const wanted = ({ time }: LogEntry): boolean => Date.parse(time) >= since && Date.parse(time) < until;
    const stored = this.#entries.filter(wanted);
    const live = follow && !this.#ended ? this.#live.read(signal) : undefined;
    try {
      yield* tail === undefined ? stored : stored.slice(Math.max(0, stored.length - tail));
      for await (const entry of live ?? []) if (wanted(entry)) yield entry;
    } finally {
      await live?.return();
    }
  }

  #add(stream: LogEntry['stream'], line: string, partial: boolean): void {
    const entry = { time: new Date().toISOString(), stream, line, partial };
    this.#entries.push(entry);
    this.#bytes += line.length + 1;
    while (this.#bytes > this.#maxBytes && this.#entries.length > 1) this.#bytes -= (this.#entries.shift()?.line.length ?? 0) + 1;
    this.#live.write(entry);
  }
}
