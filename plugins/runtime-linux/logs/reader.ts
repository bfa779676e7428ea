/** A container's log as entries, over rotated files, while it is written. Called by `driver.ts`. */
import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { CoreError, type LogEntry, type LogsRequest } from '@core/core/plugin';
import { openAll, successor, type LogFile } from './files.js';
import { LineSplitter, parseLine } from './lines.js';
import { tailPosition } from './tail.js';

export interface LogSource {
  /** The live file; older ones are `path.1`, `path.2`... */
  readonly path: string;
  readonly maxFiles: number;
  /** Resolves when nothing will be written any more. */
  readonly ended: Promise<unknown>;
}

const CHUNK = 64 * 1024;
/** Ms; a look at the file without a notice of its folder, in case one was lost. */
const LOOK_AGAIN = 1_000;

/** Every line once, in order, also across rotations. */
export async function* readLog(source: LogSource, request: Omit<LogsRequest, 'id'>, signal?: AbortSignal): AsyncGenerator<LogEntry, void, void> {
  const changes = request.follow ? new Changes(source, signal) : undefined;
  const files = await openAll(source.path, source.maxFiles);
  try {
    const { since = -Infinity, until = Infinity } = request;
    for await (const entry of entries({ source, files, changes }, request.tail)) {
      const time = Date.parse(entry.time);
      if (time >= until) return;
      if (time >= since) yield entry;
    }
    if (signal?.aborted) throw new CoreError('E_ABORTED', { message: 'reading the log was aborted' });
  } finally {
    changes?.close();
    await Promise.all(files.map((file) => file.handle.close()));
  }
}

interface Reading {
  readonly source: LogSource;
  /** Those opened so far; closed by the caller. */
  readonly files: LogFile[];
  readonly changes: Changes | undefined;
}

async function* entries(reading: Reading, tail: number | undefined): AsyncGenerator<LogEntry, void, void> {
  const { files, changes } = reading;
  const start = tail === undefined ? { file: 0, offset: 0 } : await tailPosition(files, tail);
  const splitter = new LineSplitter();
  let offset = start.offset;
  for (let index = start.file; ; ) {
    const file = files[index];
    if (file) {
      for await (const chunk of chunks(file, offset)) {
        offset += chunk.length;
        yield* parse(splitter, chunk);
      }
    }
    if (index < files.length - 1) {
      index += 1;
      offset = 0;
    } else if (!changes) return;
    else if (await nextFile(reading)) {
      // What came between the last read and the rotation is still in the file before: read it out first.
      if (file) for await (const chunk of chunks(file, offset)) yield* parse(splitter, chunk);
      if (file) index += 1;
      offset = 0;
    } else if (!(await changes.next())) return;
  }
}

/** Opens what follows the last file, if anything does. */
async function nextFile({ source, files }: Reading): Promise<boolean> {
  const current = files.at(-1);
  const next = current ? await successor(source.path, { current, maxFiles: source.maxFiles }) : undefined;
  const found = current ? (next ? [next] : []) : await openAll(source.path, source.maxFiles);
  files.push(...found);
  return found.length > 0;
}

async function* chunks({ handle }: LogFile, from: number): AsyncGenerator<Buffer, void, void> {
  for (let offset = from; ; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(CHUNK), 0, CHUNK, offset);
    if (bytesRead === 0) return;
    offset += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function* parse(splitter: LineSplitter, chunk: Buffer): Generator<LogEntry, void, void> {
  const found: LogEntry[] = [];
  splitter.push(chunk, (line) => {
    const entry = parseLine(line);
    if (entry) found.push(entry);
  });
  yield* found;
}

/** Tells when there may be more to read. Watching starts before the first read, so nothing falls between. */
class Changes {
  readonly #watcher;
  readonly #timer;
  #changed = true;
  #over = false;
  #drained = false;
  #wake: (() => void) | undefined;

  constructor({ path, ended }: LogSource, signal?: AbortSignal) {
    const name = basename(path);
    this.#watcher = watchFolder(dirname(path), (file) => {
      if (file === null || file.startsWith(name)) this.#notify();
    });
    this.#timer = setInterval(() => this.#notify(), LOOK_AGAIN);
    const end = (): void => {
      this.#over = true;
      this.#notify();
    };
    void ended.then(end, end);
    signal?.addEventListener('abort', () => this.close(), { once: true });
    if (signal?.aborted) this.close();
  }

  /** False when all has been read: one more look follows the end of the writer. */
  async next(): Promise<boolean> {
    if (this.#drained) return false;
    if (!this.#changed) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#changed = false;
    this.#drained ||= this.#over;
    return true;
  }

  close(): void {
    this.#drained = true;
    this.#watcher?.close();
    clearInterval(this.#timer);
    this.#notify();
  }

  #notify(): void {
    this.#changed = true;
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/** The folder may not be there before the first start; the timer covers that. */
function watchFolder(folder: string, listener: (file: string | null) => void): ReturnType<typeof watch> | undefined {
  try {
    const watcher = watch(folder, (_, file) => listener(file));
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}
