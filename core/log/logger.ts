/**
 * What the engine tells its operator. Comes in: a level, a sentence and facts. Goes out: one line per record on stderr, JSON
 * or for the eye. Called by the kernel and by every plugin through `ctx.log`. The shape is pino's, so an embedder may hand in
 * a pino logger of his own.
 */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

export type LogFields = Readonly<Record<string, unknown>>;

/** `log.info('ready')`, or with facts first: `log.info({ id }, 'started')`. An `Error` belongs under `err`. */
export interface LogMethod {
  (message: string): void;
  (fields: LogFields, message: string): void;
}

export interface Logger {
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  /** The same logger with facts that stand in every line of it. */
  child(fields: LogFields): Logger;
}

export interface LogRecord {
  readonly level: Exclude<LogLevel, 'silent'>;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface LoggerOptions {
  /** The lowest level that is written. Default `info`. */
  readonly level?: LogLevel | undefined;
  /** Takes one finished line, newline included. Default: stderr. */
  readonly write?: ((line: string) => void) | undefined;
  /** Turns a record into a line. Default: one JSON object. */
  readonly format?: ((record: LogRecord) => string) | undefined;
}

const ranks: Readonly<Record<LogLevel, number>> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, silent: 100 };

/** A logger that writes JSON lines to stderr, or as `options` say. */
export function createLogger({ level = 'info', write = writeToStderr, format = jsonLines }: LoggerOptions = {}): Logger {
  const emit = (record: LogRecord): void => write(`${format(record)}\n`);
  return makeLogger(ranks[level], emit, {});
}

/** Writes nothing: the default of an embedded kernel. */
export const silentLogger: Logger = makeLogger(ranks.silent, () => {}, {});

/** `12:00:01 warn  runtime-linux  container took long  id=web`: a `format` for the eye. */
export function prettyLines({ level, time, msg, plugin, err, ...fields }: LogRecord): string {
  const facts = Object.entries(fields).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const failure = err === undefined ? [] : [describe(err)];
  return [new Date(time).toISOString().slice(11, 19), level.padEnd(5), ...(plugin === undefined ? [] : [String(plugin)]), msg, ...facts, ...failure].join('  ');
}

function makeLogger(threshold: number, emit: (record: LogRecord) => void, bound: LogFields): Logger {
  const method = (level: LogRecord['level']): LogMethod => {
    if (ranks[level] < threshold) return () => {};
    return (first: string | LogFields, message?: string) => {
      const [fields, msg] = typeof first === 'string' ? [{}, first] : [first, message ?? ''];
      emit({ ...bound, ...fields, level, time: Date.now(), msg });
    };
  };
  return Object.freeze({
    trace: method('trace'),
    debug: method('debug'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
    child: (fields: LogFields) => makeLogger(threshold, emit, { ...bound, ...fields }),
  });
}

function jsonLines({ level, time, msg, ...fields }: LogRecord): string {
  return JSON.stringify({ level, time, msg, ...fields }, (_key, value: unknown) => (value instanceof Error ? errorFacts(value) : value));
}

function errorFacts(error: Error): object {
  if ('toJSON' in error && typeof error.toJSON === 'function') return { ...(error.toJSON() as object), stack: error.stack };
  return { message: error.message, stack: error.stack };
}

function describe(err: unknown): string {
  if (typeof err === 'object' && err !== null && 'code' in err && 'message' in err) return `${String(err.code)}: ${String(err.message)}`;
  return err instanceof Error ? err.message : String(err);
}

function writeToStderr(line: string): void {
  process.stderr.write(line);
}
