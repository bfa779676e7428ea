/** Where the runtime's own words go: the file of `--log`, as text or JSON, and stderr. Called by `main.ts` and by what warns. */
import { appendFileSync, writeSync } from 'node:fs';

export type LogFormat = 'text' | 'json';
export type Level = 'error' | 'warning';

export interface LogTarget {
  readonly log?: string | undefined;
  readonly logFormat: LogFormat;
}

/** Without a file the entry itself is what stderr gets. */
export function writeLog({ log, logFormat }: LogTarget, level: Level, message: string): void {
  const entry = logEntry(logFormat, { level, message, time: new Date() });
  if (log === undefined) return toStderr(entry);
  try {
    appendFileSync(log, entry);
  } catch (thrown) {
    toStderr(`cannot write to the log ${log}: ${(thrown as Error).message}\n`);
  }
  toStderr(`${message}\n`);
}

export function logEntry(format: LogFormat, { level, message, time }: { readonly level: Level; readonly message: string; readonly time: Date }): string {
  const when = time.toISOString();
  if (format === 'json') return `${JSON.stringify({ level, msg: message, time: when })}\n`;
  return `time=${JSON.stringify(when)} level=${level} msg=${JSON.stringify(message)}\n`;
}

/** By descriptor: Node's stream would make the caller's pipe non-blocking, and the container shares it. */
function toStderr(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // Nobody listens there.
  }
}
