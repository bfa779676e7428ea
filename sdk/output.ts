/** Comes in: the chunks a command wrote and how it ended. Goes out: a value to read them from, as zx's `ProcessOutput`. Made by `execution.ts`. */

/** One chunk, in the order of arrival. */
export interface Chunk {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Uint8Array;
}

export interface OutputFields {
  readonly command: string;
  readonly exitCode: number;
  readonly signal?: string | undefined;
  readonly chunks: readonly Chunk[];
  readonly truncated: boolean;
  readonly duration: number;
}

/**
 * How a command ended and what it wrote. Unlike zx's, `text`, `lines`, `json` and `bytes` read stdout alone, so that a
 * warning on stderr breaks no `JSON.parse`; `stdall` has both in order of arrival.
 */
export class Output {
  /** The script or the arguments, as sent. */
  readonly command: string;
  /** 0 to 255; 128 + signal when a signal ended it. */
  readonly exitCode: number;
  /** `SIGKILL` and the like, when a signal ended it. */
  readonly signal: string | undefined;
  /** Milliseconds from the start to the end. */
  readonly duration: number;
  /** True when stdout was piped or iterated: then only its last 64 KiB are kept here. */
  readonly truncated: boolean;
  readonly #chunks: readonly Chunk[];

  constructor(fields: OutputFields) {
    this.command = fields.command;
    this.exitCode = fields.exitCode;
    this.signal = fields.signal;
    this.duration = fields.duration;
    this.truncated = fields.truncated;
    this.#chunks = fields.chunks;
  }

  get ok(): boolean {
    return this.exitCode === 0;
  }

  get stdout(): string {
    return this.bytes().toString();
  }

  get stderr(): string {
    return this.#join((chunk) => chunk.stream === 'stderr').toString();
  }

  /** Both, in the order of arrival. */
  get stdall(): string {
    return this.#join(() => true).toString();
  }

  text(encoding: BufferEncoding = 'utf8'): string {
    return this.bytes().toString(encoding);
  }

  /** Lines of stdout, without their ends; a last empty one does not count. */
  lines(): string[] {
    return splitLines(this.stdout);
  }

  /** Throws `SyntaxError` when stdout is no JSON. */
  json<T = unknown>(): T {
    return JSON.parse(this.stdout) as T;
  }

  bytes(): Buffer {
    return this.#join((chunk) => chunk.stream === 'stdout');
  }

  toString(): string {
    return this.stdout;
  }

  /** Without surrounding white space, so that `${output}` reads well in a text. */
  valueOf(): string {
    return this.stdout.trim();
  }

  [Symbol.toPrimitive](): string {
    return this.valueOf();
  }

  toJSON(): { exitCode: number; signal: string | undefined; stdout: string; stderr: string; duration: number } {
    return { exitCode: this.exitCode, signal: this.signal, stdout: this.stdout, stderr: this.stderr, duration: this.duration };
  }

  #join(wanted: (chunk: Chunk) => boolean): Buffer {
    return Buffer.concat(this.#chunks.filter(wanted).map((chunk) => chunk.data));
  }
}

export function splitLines(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
