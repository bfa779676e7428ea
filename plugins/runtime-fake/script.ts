/**
 * What a fake container is told to do. Comes in: the plugin's config and a container's annotations (`fake.start-error`, ...),
 * which win. Goes out: one `Script`. Called by `runtime.ts` at `create`.
 */
import { catalogue, CoreError, type ErrorCode } from '@core/core/plugin';

export interface Script {
  /** `start` fails with this code. */
  readonly startError?: ErrorCode | undefined;
  /** `start` takes this long, in milliseconds. An abort ends it. */
  readonly startBlockMs?: number | undefined;
  /** The command is not run at all: the container exits by itself after so many milliseconds. */
  readonly exitAfterMs?: number | undefined;
  /** With `exitAfterMs`. Default 0. */
  readonly exitCode?: number | undefined;
  /** Written to stdout before anything else. */
  readonly output?: string | undefined;
  /** Signals that have no effect; SIGKILL always has. */
  readonly ignoreSignals?: readonly string[] | undefined;
  /** It exits as if the OOM killer had struck. */
  readonly oom?: boolean | undefined;
}

type Reader = (text: string, name: string) => Script;

const readers: Readonly<Record<string, Reader>> = {
  'fake.start-error': (text, name) => ({ startError: errorCode(text, name) }),
  'fake.start-block-ms': (text, name) => ({ startBlockMs: whole(text, name) }),
  'fake.exit-after-ms': (text, name) => ({ exitAfterMs: whole(text, name) }),
  'fake.exit-code': (text, name) => ({ exitCode: whole(text, name) }),
  'fake.output': (text) => ({ output: text }),
  'fake.ignore-signals': (text) => ({ ignoreSignals: text.split(',').map((signal) => signal.trim()) }),
  'fake.oom': (text) => ({ oom: text === 'true' }),
};

/** Throws `E_INVALID` that names the annotation. */
export function readScript(defaults: Script, annotations: Readonly<Record<string, string>> = {}): Script {
  let script = defaults;
  for (const [name, text] of Object.entries(annotations)) {
    const reader = readers[name];
    if (reader) script = { ...script, ...reader(text, name) };
    else if (name.startsWith('fake.')) throw malformed(name, `is unknown; there are ${Object.keys(readers).join(', ')}`);
  }
  return script;
}

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(catalogue, text);
}

function errorCode(text: string, name: string): ErrorCode {
  if (!isErrorCode(text)) throw malformed(name, `${text} is no error code`);
  return text;
}

function whole(text: string, name: string): number {
  if (!/^\d{1,9}$/.test(text)) throw malformed(name, `${text} is no whole number`);
  return Number(text);
}

function malformed(name: string, message: string): CoreError {
  return new CoreError('E_INVALID', { message: `annotation ${name}: ${message}`, issues: [{ path: `spec.annotations["${name}"]`, message }] });
}
