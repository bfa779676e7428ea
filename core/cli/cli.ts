/** What every command of the CLI gets: where to print and in which form, and the engine behind the socket. Made by `main.ts`. */
import type { Engine } from '../contracts/index.js';
import type { Link } from '../ipc/index.js';
import { defaultSocket, openLink } from './connect.js';

export interface GlobalOptions {
  /** Machine-readable output with stable shapes; streams give one object per line. */
  readonly json?: boolean | undefined;
  readonly socket?: string | undefined;
}

export class Cli {
  readonly json: boolean;
  /** Colours and live displays: on a terminal alone, and only when `NO_COLOR` does not say otherwise. */
  readonly color: boolean;
  readonly #socket: string | undefined;
  #link: Promise<Link> | undefined;

  constructor({ json = false, socket }: GlobalOptions) {
    this.json = json;
    this.#socket = socket;
    this.color = wantsColor(process.env, process.stdout.isTTY);
  }

  get socket(): string {
    return this.#socket ?? defaultSocket(process.env);
  }

  /** Throws `E_UNREACHABLE` when no kernel answers at the socket. */
  async engine(): Promise<Engine> {
    const { Engine } = await import('../contracts/engine.js');
    this.#link ??= openLink(this.socket);
    return (await this.#link).port(Engine);
  }

  /** The value with `--json`, the text otherwise. An empty text prints nothing. */
  print(value: unknown, text: string): void {
    if (this.json) this.out(`${JSON.stringify(value, null, 2)}\n`);
    else if (text !== '') this.out(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** One object of a stream. */
  printLine(value: unknown): void {
    this.out(`${JSON.stringify(value)}\n`);
  }

  out(text: string): void {
    process.stdout.write(text);
  }

  async close(): Promise<void> {
    const link = await this.#link?.catch(() => undefined);
    await link?.close();
  }
}

function wantsColor({ NO_COLOR, FORCE_COLOR, TERM }: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  if (NO_COLOR) return false;
  if (FORCE_COLOR && FORCE_COLOR !== '0') return true;
  return isTerminal && TERM !== 'dumb';
}
