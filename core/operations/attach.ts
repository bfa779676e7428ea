/**
 * The engine of a kernel in another process. Comes in: its socket. Goes out: the engine, and a way to let go of it. Called by
 * the SDK and by anybody through `@core/core`.
 */
import { defaultPlaces, socketIn } from '../config/places.js';
import { Engine } from '../contracts/index.js';
import { dial } from '../ipc/index.js';

export interface AttachOptions {
  /** Default: `CORE_SOCK`, else the socket of the machine's (or the user's) own kernel. */
  readonly path?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The connection keeps no process alive, calls under way neither. Default false. */
  readonly background?: boolean | undefined;
}

export interface Attached extends AsyncDisposable {
  readonly engine: Engine;
  /** Calls under way fail with `E_CLOSED`; containers do not care. */
  close(): Promise<void>;
}

/** Throws `E_UNREACHABLE` when nobody answers, `E_PROTOCOL` when the other end speaks another version. */
export async function attach({ path = process.env['CORE_SOCK'] || socketIn(defaultPlaces().runRoot), signal, background }: AttachOptions = {}): Promise<Attached> {
  const link = await dial({ path, signal, background });
  const close = (): Promise<void> => link.close();
  return { engine: link.port(Engine), close, [Symbol.asyncDispose]: close };
}
