/** Comes in: the log entries of an engine. Goes out: whole lines for scripts; entries that continue one another are joined. */
import type { Engine, LogEntry } from '@core/core/plugin';
import { toCall, type VerbOptions } from './duration.js';

export interface LogsOptions extends VerbOptions {
  /** Go on as lines come, until the container ends. Default false. */
  readonly follow?: boolean | undefined;
  /** Only the last n lines. Default: all. */
  readonly tail?: number | undefined;
  /** From this time on, and before that one: a Date or milliseconds since the epoch. */
  readonly since?: Date | number | undefined;
  readonly until?: Date | number | undefined;
}

export interface LogLine {
  readonly time: Date;
  readonly stream: 'stdout' | 'stderr';
  /** Without its newline. */
  readonly line: string;
}

/** To be iterated once, or read as a whole. */
export interface Logs extends AsyncIterable<LogLine> {
  lines(): Promise<string[]>;
  text(): Promise<string>;
}

export function readLogs(engine: Engine, container: string, { follow, tail, since, until, ...options }: LogsOptions): Logs {
  const request = {
    container,
    ...(follow !== undefined && { follow }),
    ...(tail !== undefined && { tail }),
    ...(since !== undefined && { since: Number(since) }),
    ...(until !== undefined && { until: Number(until) }),
  };
  const read = (): AsyncGenerator<LogLine> => wholeLines(engine.containers.logs(request, toCall(options)));
  const lines = async (): Promise<string[]> => {
    const all: string[] = [];
    for await (const { line } of read()) all.push(line);
    return all;
  };
  return {
    [Symbol.asyncIterator]: read,
    lines,
    text: async () => (await lines()).map((line) => `${line}\n`).join(''),
  };
}

async function* wholeLines(entries: AsyncIterable<LogEntry>): AsyncGenerator<LogLine> {
  const open = new Map<LogEntry['stream'], LogEntry>();
  for await (const entry of entries) {
    const begun = open.get(entry.stream);
    const joined = begun ? { ...entry, time: begun.time, line: begun.line + entry.line } : entry;
    if (entry.partial) open.set(entry.stream, joined);
    else {
      open.delete(entry.stream);
      yield toLine(joined);
    }
  }
  for (const entry of open.values()) yield toLine(entry);
}

function toLine({ time, stream, line }: LogEntry): LogLine {
  return { time: new Date(time), stream, line };
}
