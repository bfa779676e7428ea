/**
 * The handle of one command: what `` c.$`...` `` and `c.exec()` give. It starts by itself at the end of the current tick, so
 * that readers and stdin can be attached first. Awaitable, as zx's `ProcessPromise` is: `await` gives the `Output`.
 */
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createWriteStream } from 'node:fs';
import { CoreError, isCoreError, toCoreError } from '@core/core/plugin';
import { createChannel, toLines } from './channel.js';
import { withDeadline, type Duration } from './duration.js';
import { Execution, type Launch, type Source, type Stdin } from './execution.js';
import { describeEnd, ExitError } from './failure.js';
import { toBytes, type Input } from './input.js';
import type { Output } from './output.js';
import type { Shell } from './shell.js';

/** What concerns the handle, not the process inside. */
export interface CommandOptions {
  /** Resolve whatever the exit code is. Default false. An abort, a timeout and a lost container reject all the same. */
  readonly nothrow?: boolean | undefined;
  /** Write the command and its output to stderr of this script. Default false. */
  readonly verbose?: boolean | undefined;
  readonly input?: Input | undefined;
  /** Ends the command and all it started; it rejects with `E_ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  /** The same after this time, with `E_TIMEOUT`. Default: none. */
  readonly timeout?: Duration | undefined;
  /** What asks it to end on abort and timeout; SIGKILL follows after 5 s. Default SIGTERM. */
  readonly killSignal?: string | undefined;
  /** Bytes of output kept in memory; a command that writes more is ended. Default 100 MiB. */
  readonly maxBuffer?: number | undefined;
}

export interface CommandPlan {
  readonly options: CommandOptions;
  /** For `` pipe`...` `` : the shell that made it. */
  readonly shell: Shell;
  prepare(): Promise<Omit<Launch, 'stdin' | 'onChunk'>>;
}

const MAX_BUFFER = 100 * 1024 * 1024;

export class Command implements PromiseLike<Output>, AsyncIterable<string> {
  readonly #plan: CommandPlan;
  readonly #execution: Execution;
  readonly #result: Promise<Output>;
  /** Where the user wrote it: the stack at the time of the failure would show only the engine. */
  readonly #site: { stack?: string } = {};
  #nothrow: boolean;
  #verbose: boolean;
  #timeout: Duration | undefined;
  #stdin: Stdin | undefined;
  #writable: Writable | undefined;
  #upstream: Command | undefined;
  #started = false;

  constructor(plan: CommandPlan, site: (...args: never[]) => unknown) {
    Error.captureStackTrace(this.#site, site);
    this.#plan = plan;
    this.#nothrow = plan.options.nothrow ?? false;
    this.#verbose = plan.options.verbose ?? false;
    this.#timeout = plan.options.timeout;
    if (plan.options.input !== undefined) this.#stdin = feedFrom(toBytes(plan.options.input));
    this.#execution = new Execution({ maxBuffer: plan.options.maxBuffer ?? MAX_BUFFER });
    this.#result = Promise.resolve().then(() => this.#run());
  }

  // oxlint-disable-next-line unicorn/no-thenable -- a command is awaitable, as in zx; containers are not
  then<A = Output, B = never>(onFulfilled?: ((output: Output) => A | PromiseLike<A>) | null, onRejected?: ((error: CoreError) => B | PromiseLike<B>) | null): Promise<A | B> {
    return this.#result.then(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected?: ((error: CoreError) => B | PromiseLike<B>) | null): Promise<Output | B> {
    return this.#result.catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<Output> {
    return this.#result.finally(onFinally);
  }

  /** Resolve whatever the exit code is, here and in what is piped into it. */
  nothrow(value = true): this {
    this.#nothrow = value;
    return this;
  }

  quiet(value = true): this {
    this.#verbose = !value;
    return this;
  }

  verbose(value = true): this {
    this.#verbose = value;
    return this;
  }

  /** Before it starts only, so in the same tick. */
  timeout(duration: Duration): this {
    this.#throwIfStarted('a timeout');
    this.#timeout = duration;
    return this;
  }

  /** Stdout as text, rejecting as the command does. */
  async text(encoding?: BufferEncoding): Promise<string> {
    return (await this.#result).text(encoding);
  }

  async lines(): Promise<string[]> {
    return (await this.#result).lines();
  }

  async json<T = unknown>(): Promise<T> {
    return (await this.#result).json<T>();
  }

  async bytes(): Promise<Buffer> {
    return (await this.#result).bytes();
  }

  /** The exit code, whatever it is. */
  get exitCode(): Promise<number> {
    return this.#result.then((output) => output.exitCode, codeOf);
  }

  /** Stdin, to be written to and ended by hand. Without it, `input` or a pipe, stdin is empty. */
  get stdin(): Writable {
    if (this.#writable) return this.#writable;
    const channel = this.#takeStdin(() => createChannel<Uint8Array>());
    this.#stdin = { bytes: channel, release: () => leave(channel) };
    this.#writable = new Writable({
      write: (chunk: Uint8Array, _encoding, done) => void channel.push(chunk).then(() => done(), done),
      final: (done) => {
        channel.end();
        done();
      },
    });
    return this.#writable;
  }

  /** To the command and every process it started in its session. Default SIGTERM. */
  kill(signal = 'SIGTERM'): Promise<void> {
    return this.#execution.kill(signal);
  }

  /**
   * Stdout into the stdin of another command, of any container, at the pace of the reader; into a template, which is run in
   * the same place; into a Node stream or a file of this machine. What has read enough ends what feeds it, with SIGPIPE.
   */
  pipe(pieces: TemplateStringsArray, ...values: unknown[]): Command;
  pipe(target: Command, from?: Source): Command;
  pipe(target: Writable | string, from?: Source): Promise<Output>;
  pipe(target: Command | Writable | string | TemplateStringsArray, ...rest: unknown[]): Command | Promise<Output> {
    if (Array.isArray(target)) return this.pipe(this.#plan.shell(target as unknown as TemplateStringsArray, ...rest));
    const from = rest[0] as Source | undefined;
    if (target instanceof Command) return target.#readFrom(this, from);
    return this.#writeTo(typeof target === 'string' ? createWriteStream(target) : (target as Writable), from);
  }

  /** Lines of stdout as they come. At the end it throws what awaiting the command would; leaving the loop ends the command. */
  [Symbol.asyncIterator](): AsyncIterator<string, void> {
    const chunks = this.#execution.listen('stdout');
    this.#result.catch(() => {});
    return this.#iterate(toLines(chunks));
  }

  async *#iterate(lines: AsyncIterable<string>): AsyncGenerator<string, void> {
    yield* lines;
    await this.#result;
  }

  #readFrom(upstream: Command, from: Source = 'stdout'): this {
    const bytes = this.#takeStdin(() => upstream.#execution.listen(from));
    this.#stdin = { bytes, release: () => leave(bytes) };
    upstream.#result.catch(() => {});
    this.#upstream = upstream;
    return this;
  }

  async #writeTo(target: Writable, from: Source = 'stdout'): Promise<Output> {
    const end = target !== process.stdout && target !== process.stderr;
    const chunks = this.#execution.listen(from);
    this.#result.catch(() => {});
    await pipeline(chunks, target, { end });
    return this.#result;
  }

  #takeStdin<T>(open: () => T): T {
    this.#throwIfStarted('its stdin');
    if (this.#stdin) throw new CoreError('E_STATE', { message: 'the command has its stdin already' });
    return open();
  }

  #throwIfStarted(what: string): void {
    if (this.#started) throw new CoreError('E_STATE', { message: `the command has started; ${what} came too late`, hint: 'Set it in the tick that makes the command.' });
  }

  async #run(): Promise<Output> {
    this.#started = true;
    const { signal: given, killSignal = 'SIGTERM' } = this.#plan.options;
    const signal = withDeadline(given, this.#timeout);
    const abort = (): void => this.#execution.stop(stopReason(signal?.reason, this.#timeout), killSignal);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const output = await this.#finish();
      await this.#throwIfUpstreamFailed();
      return output;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  async #finish(): Promise<Output> {
    try {
      const launch = await this.#plan.prepare();
      if (this.#verbose) process.stderr.write(`$ ${launch.command}\n`);
      const onChunk: Launch['onChunk'] = ({ data }) => void (this.#verbose && process.stderr.write(data));
      const { output, container, enough } = await this.#execution.run({ ...launch, stdin: this.#stdin, onChunk });
      if (output.ok || enough || this.#nothrow) return output;
      throw new ExitError(output, { container, why: await describeEnd(output) });
    } catch (error) {
      throw this.#located(toCoreError(error));
    }
  }

  /** As with bash's `pipefail`: a pipeline fails when any part of it does. */
  async #throwIfUpstreamFailed(): Promise<void> {
    await this.#upstream?.catch((error) => {
      if (!(this.#nothrow && error instanceof ExitError)) throw error;
    });
  }

  #located<E extends Error>(error: E): E {
    const frames = this.#site.stack?.split('\n').slice(1).join('\n');
    if (frames) error.stack = `${error.name}: ${error.message}\n${frames}`;
    return error;
  }
}

function feedFrom(bytes: AsyncGenerator<Uint8Array, void>): Stdin {
  return { bytes, release: () => void bytes.return().catch(() => {}) };
}

function leave(channel: AsyncIterable<unknown>): void {
  void channel[Symbol.asyncIterator]().return?.();
}

function codeOf(error: unknown): number {
  if (error instanceof ExitError) return error.exitCode;
  throw error;
}

function stopReason(reason: unknown, timeout: Duration | undefined): CoreError {
  const error = toCoreError(reason);
  if (isCoreError(error, 'E_TIMEOUT')) return new CoreError('E_TIMEOUT', { message: `the command was ended: it took longer than ${timeout ?? 'its signal allows'}`, cause: reason });
  return new CoreError('E_ABORTED', { message: 'the command was ended by its caller', cause: reason });
}
