/**
 * One fake process: the first of a container, or an exec. Comes in: arguments, stdin, signals. Goes out: output and an exit.
 * Made by `container.ts`.
 */
import { constants } from 'node:os';
import { CoreError } from '@core/core/plugin';
import { Channel } from './channel.js';
import { findProgram, type Program, type ProgramIo } from './program.js';

export interface Output {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Uint8Array;
}

export interface ProcessExit {
  readonly exitCode: number;
  readonly signal?: string | undefined;
}

export interface ProcessOptions {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly stdin: boolean;
  readonly terminal: boolean;
  readonly ignoreSignals?: readonly string[] | undefined;
  /** Runs instead of what `args` names. */
  readonly program?: Program | undefined;
  /** Told of all output, before any reader. */
  readonly onOutput?: ((output: Output) => void) | undefined;
}

/** Above the kernel's largest pid (2^22), so that no one can ever signal a real process by a fake pid. */
let lastPid = 5_000_000;

/** Who sleeps longer, in milliseconds, waits to be killed, and must not keep the process of a test from ending. */
const LONG_SLEEP = 30_000;

const HARMLESS = new Set(['SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH']);

export class FakeProcess {
  readonly pid = ++lastPid;
  readonly output = new Channel<Output>();
  readonly exited: Promise<ProcessExit>;
  readonly #options: ProcessOptions;
  readonly #input: Uint8Array[] = [];
  readonly #end = new AbortController();
  #inputEnded: boolean;
  #wakeInput: () => void = () => undefined;
  #thaw: { readonly thawed: Promise<void>; readonly resume: () => void } | undefined;
  #finish!: (exit: ProcessExit) => void;
  #done = false;

  /** Throws `E_COMMAND` when there is no such program. */
  constructor(options: ProcessOptions) {
    const program = options.program ?? findProgram(options.args[0]);
    if (!program) throw new CoreError('E_COMMAND', { message: `${options.args[0] ?? ''}: no such file`, errno: 'ENOENT', step: 'exec' });
    this.#options = options;
    this.#inputEnded = !options.stdin;
    this.exited = new Promise((resolve) => (this.#finish = resolve));
    void this.#run(program);
  }

  get running(): boolean {
    return !this.#done;
  }

  write(data: Uint8Array): void {
    if (this.#inputEnded || this.#done) return;
    this.#input.push(data);
    this.#wakeInput();
  }

  endInput(): void {
    this.#inputEnded = true;
    this.#wakeInput();
  }

  /** Throws `E_INVALID` for a signal Linux does not have. Gone counts as done. */
  kill(signal: string): void {
    const number = (constants.signals as Record<string, number>)[signal];
    if (number === undefined) throw new CoreError('E_INVALID', { message: `${signal} is no signal`, issues: [{ path: 'signal', message: 'is no signal' }] });
    const ignored = HARMLESS.has(signal) || this.#options.ignoreSignals?.includes(signal) === true;
    if (signal === 'SIGKILL' || !ignored) this.#exit({ exitCode: 128 + number, signal });
  }

  pause(): void {
    if (this.#thaw) return;
    let resume = (): void => undefined;
    const thawed = new Promise<void>((resolve) => (resume = resolve));
    this.#thaw = { thawed, resume };
  }

  resume(): void {
    this.#thaw?.resume();
    this.#thaw = undefined;
  }

  async #run(program: Program): Promise<void> {
    try {
      const exitCode = await program(this.#options.args.slice(1), this.#io());
      this.#exit({ exitCode });
    } catch {
      // A program is only ever interrupted by its own end.
      this.#exit({ exitCode: 1 });
    }
  }

  #io(): ProgramIo {
    return {
      env: this.#options.env,
      write: (stream, data) => this.#write(this.#options.terminal ? 'stdout' : stream, data),
      read: () => this.#read(),
      sleep: (milliseconds) => this.#sleep(milliseconds),
    };
  }

  async #write(stream: Output['stream'], data: Uint8Array | string): Promise<void> {
    await this.#alive();
    const output = { stream, data: typeof data === 'string' ? Buffer.from(data) : data };
    this.#options.onOutput?.(output);
    this.output.write(output);
  }

  async #read(): Promise<Uint8Array | undefined> {
    for (;;) {
      await this.#alive();
      const piece = this.#input.shift();
      if (piece || this.#inputEnded) return piece;
      await new Promise<void>((resolve) => (this.#wakeInput = resolve));
    }
  }

  async #sleep(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = Number.isFinite(milliseconds) ? setTimeout(resolve, Math.min(milliseconds, 2 ** 31 - 1)) : undefined;
      if (milliseconds > LONG_SLEEP) timer?.unref();
      this.#end.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      }, { once: true });
    });
    await this.#alive();
  }

  /** Where a program does anything, it may be frozen, or have been killed. */
  async #alive(): Promise<void> {
    while (this.#thaw) await this.#thaw.thawed;
    this.#end.signal.throwIfAborted();
  }

  #exit(exit: ProcessExit): void {
    if (this.#done) return;
    this.#done = true;
    this.resume();
    this.#end.abort();
    this.#wakeInput();
    this.output.close();
    this.#finish(exit);
  }
}
