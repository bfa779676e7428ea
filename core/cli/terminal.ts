/**
 * The user's terminal while it belongs to a container: raw, with its size passed on, and with keys to get away. Comes in: the
 * keys. Goes out: the bytes typed, and what to do at the end. Used by exec, attach and run.
 */
import { CoreError } from '../errors/index.js';
import type { WindowSize } from '../contracts/index.js';

export interface Terminal {
  /** What is typed, from now on; ends with end of file or the detach keys. */
  readonly input: AsyncIterable<Uint8Array>;
  readonly size: WindowSize | undefined;
  /** Aborted when the detach keys are typed. */
  readonly detached: AbortSignal;
  onResize(listener: (size: WindowSize) => void): void;
  /** Idempotent: the terminal is as it was, and stdin keeps nothing alive. */
  restore(): void;
}

export const DETACH_KEYS = 'ctrl-p,ctrl-q';

export interface TerminalOptions {
  /** Raw mode: only when the process inside has a terminal of its own. */
  readonly raw: boolean;
  /** `ctrl-p,ctrl-q`, single characters or `ctrl-` and one of `a-z @ [ ] ^ _ \`; '' for none. */
  readonly detachKeys: string;
}

export function openTerminal({ raw, detachKeys }: TerminalOptions): Terminal {
  const { stdin, stdout } = process;
  const detach = new AbortController();
  const keys = parseKeys(detachKeys);
  const isRaw = raw && stdin.isTTY === true;
  const onResize: Array<() => void> = [];
  if (isRaw) stdin.setRawMode(true);

  return {
    input: typed(stdin, isRaw ? keys : [], () => detach.abort()),
    size: sizeOf(stdout),
    detached: detach.signal,
    onResize(listener) {
      const tell = (): void => {
        const size = sizeOf(stdout);
        if (size) listener(size);
      };
      onResize.push(tell);
      stdout.on('resize', tell);
    },
    restore() {
      for (const tell of onResize.splice(0)) stdout.off('resize', tell);
      if (isRaw) stdin.setRawMode(false);
      stdin.destroy();
    },
  };
}

/** Throws `E_INVALID` for what is no key. */
export function parseKeys(text: string): number[] {
  if (text === '') return [];
  return text.split(',').map((key) => {
    if ([...key].length === 1) return key.charCodeAt(0);
    const [, letter] = /^ctrl-([a-z@[\]^_\\])$/.exec(key) ?? [];
    if (letter === undefined) throw new CoreError('E_INVALID', { message: `${key} is no key`, hint: 'Write --detach-keys ctrl-p,ctrl-q.' });
    return letter.toUpperCase().charCodeAt(0) & 0x1f;
  });
}

/** The bytes, without the detach keys. A sequence that was only begun is passed on with the byte that broke it. */
export async function* typed(stdin: AsyncIterable<Uint8Array>, keys: readonly number[], onDetach: () => void): AsyncGenerator<Uint8Array> {
  let matched = 0;
  for await (const chunk of stdin) {
    const passed: number[] = [];
    for (const byte of keys.length > 0 ? chunk : []) {
      if (byte === keys[matched]) matched++;
      else {
        passed.push(...keys.slice(0, matched));
        matched = byte === keys[0] ? 1 : 0;
        if (matched === 0) passed.push(byte);
      }
      if (matched === keys.length) {
        if (passed.length > 0) yield Uint8Array.from(passed);
        return onDetach();
      }
    }
    if (keys.length === 0) yield chunk;
    else if (passed.length > 0) yield Uint8Array.from(passed);
  }
}

function sizeOf({ isTTY, rows, columns }: NodeJS.WriteStream): WindowSize | undefined {
  return isTTY && rows > 0 && columns > 0 ? { rows, columns } : undefined;
}
