/**
 * One command on its way: comes in a launch (where, what, with which stdin), goes out an `Output`. It pumps the events of
 * `containers.exec` into what is kept and into who listens, at the pace of the slowest. Driven by `command.ts`.
 */
import { CoreError, toCoreError, type CallOptions, type Engine, type ExecRequest, type ProcessEvent } from '@core/core/plugin';
import { createChannel, type Channel } from './channel.js';
import { createCollector, type Collector } from './collector.js';
import { Output, type Chunk } from './output.js';

/** Where a command runs: a container of an engine, and what to do when the command has ended. */
export interface Place {
  readonly engine: Engine;
  /** The container's id. */
  readonly container: string;
  close(): Promise<void>;
}

/** Opens the place; called once, when the command starts. */
export type OpenPlace = (call: CallOptions) => Promise<Place>;

export type Source = 'stdout' | 'stderr' | 'stdall';

export interface Stdin {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Called when the command has ended, whether or not it read everything. */
  release(): void;
}

export interface Launch {
  readonly open: OpenPlace;
  readonly request: Omit<ExecRequest, 'id' | 'stdin'>;
  /** For people: the script or the arguments. */
  readonly command: string;
  readonly stdin?: Stdin | undefined;
  readonly onChunk?: ((chunk: Chunk) => void) | undefined;
}

/** Why it is being ended from outside: a reader that has enough is no failure, anything else is. */
type Stop = { readonly enough: true } | { readonly error: CoreError };

/** Between the signal that asks and SIGKILL. */
const GRACE_MS = 5_000;

export class Execution {
  readonly #collector: Collector;
  readonly #listeners = new Map<Channel<Uint8Array>, Source>();
  readonly #hard = new AbortController();
  readonly #maxBuffer: number;
  #stopped: Stop | undefined;
  #running: { place: Place; execId: string } | undefined;
  #ended = false;
  #pendingKills: string[] = [];
  #grace: NodeJS.Timeout | undefined;

  constructor({ maxBuffer }: { maxBuffer: number }) {
    this.#maxBuffer = maxBuffer;
    this.#collector = createCollector(maxBuffer);
  }

  /** Resolves with how it ended; rejects when it could not run, or was stopped. */
  async run(launch: Launch): Promise<{ output: Output; container: string; enough: boolean }> {
    const begin = performance.now();
    let place: Place | undefined;
    try {
      this.#throwIfStopped();
      place = await launch.open({ signal: this.#hard.signal });
      const exit = await this.#pump(place, launch);
      this.#throwIfStopped();
      const output = new Output({
        command: launch.command,
        exitCode: exit.exitCode,
        signal: exit.signal,
        chunks: this.#collector.chunks,
        truncated: this.#collector.truncated,
        duration: performance.now() - begin,
      });
      return { output, container: place.container, enough: this.#stopped !== undefined };
    } catch (error) {
      this.#throwIfStopped();
      throw toCoreError(error);
    } finally {
      this.#ended = true;
      clearTimeout(this.#grace);
      launch.stdin?.release();
      for (const channel of this.#listeners.keys()) channel.end();
      await place?.close();
    }
  }

  /** What `source` brings, from the first byte on, for one more reader. A reader that leaves early ends the command. */
  listen(source: Source): Channel<Uint8Array> {
    if (this.#collector.truncated) {
      throw new CoreError('E_STATE', { message: 'the output was piped or iterated before and is not kept', hint: 'Attach all readers before the first `await`.' });
    }
    const channel = createChannel<Uint8Array>();
    for (const chunk of this.#collector.chunks) if (source === 'stdall' || source === chunk.stream) void channel.push(chunk.data);
    if (source !== 'stderr') this.#collector.keepTail();
    if (this.#ended) channel.end();
    this.#listeners.set(channel, source);
    void channel.abandoned.then(() => this.#leave(channel));
    return channel;
  }

  /** To the command and every process it started in its session; once it runs, if it does not yet. */
  async kill(signal: string): Promise<void> {
    if (this.#ended) return;
    if (!this.#running) {
      this.#pendingKills.push(signal);
      return;
    }
    const { place, execId } = this.#running;
    await place.engine.containers.kill({ container: place.container, execId, signal });
  }

  /** Ends it from outside: `signal`, then SIGKILL when it is still there 5 s later. Rejects with `error` once it has ended. */
  stop(error: CoreError, signal: string): void {
    for (const channel of this.#listeners.keys()) channel.cut();
    this.#end({ error }, signal);
  }

  #leave(channel: Channel<Uint8Array>): void {
    this.#listeners.delete(channel);
    if (this.#listeners.size === 0) this.#end({ enough: true }, 'SIGPIPE');
  }

  #end(stop: Stop, signal: string): void {
    if (this.#ended || this.#stopped) return;
    this.#stopped = stop;
    if (!this.#running) {
      this.#hard.abort();
      return;
    }
    this.#grace = setTimeout(() => this.#killOrCut('SIGKILL'), GRACE_MS);
    this.#killOrCut(signal);
  }

  /** When even the signal cannot be sent, the call itself is ended: the engine ends a process whose caller is gone. */
  #killOrCut(signal: string): void {
    this.kill(signal).catch(() => this.#hard.abort());
  }

  async #pump(place: Place, { request, stdin, onChunk }: Launch): Promise<{ exitCode: number; signal?: string | undefined }> {
    const call: CallOptions = { signal: this.#hard.signal, ...(stdin && { input: stdin.bytes }) };
    const events = place.engine.containers.exec({ ...request, container: place.container, stdin: stdin !== undefined }, call);
    for await (const event of events) {
      if (event.type === 'exit') return event;
      if (event.type === 'started') this.#start(place, event.execId);
      else await this.#deliver(event, onChunk);
    }
    throw new CoreError('E_PROTOCOL', { message: 'the output of the command ended without its exit code', object: { kind: 'container', id: place.container } });
  }

  #start(place: Place, execId: string): void {
    this.#running = { place, execId };
    for (const signal of this.#pendingKills.splice(0)) this.#killOrCut(signal);
  }

  async #deliver(event: Extract<ProcessEvent, { data: Uint8Array }>, onChunk: Launch['onChunk']): Promise<void> {
    const chunk: Chunk = { stream: event.type, data: event.data };
    onChunk?.(chunk);
    if (!this.#collector.add(chunk)) this.stop(this.#overflow(), 'SIGKILL');
    const readers = [...this.#listeners].filter(([, source]) => source === 'stdall' || source === chunk.stream);
    await Promise.all(readers.map(([channel]) => channel.push(chunk.data)));
  }

  #overflow(): CoreError {
    return new CoreError('E_EXIT', {
      message: `the command was ended: it wrote more than ${this.#maxBuffer} bytes`,
      hint: 'Iterate over its lines or pipe it, or raise `maxBuffer`.',
    });
  }

  #throwIfStopped(): void {
    if (this.#stopped && 'error' in this.#stopped) throw this.#stopped.error;
  }
}
