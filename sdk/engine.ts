/**
 * Where the engine comes from: comes in the environment or a path, goes out an `Engine`, opened once and on first use.
 * `CORE_SOCK` (a path) or `CORE_HOST` (`unix:///path`) names a running kernel; without them a kernel is booted in this process.
 */
import { CoreError, type Engine, type Plugin } from '@core/core/plugin';
import { holding, Hold } from './alive.js';

export interface Connection {
  readonly engine: Engine;
  /** Whether its containers end with this process. */
  readonly embedded: boolean;
  close(): Promise<void>;
}

export interface EngineSource {
  /** Opens on the first call; after a failure or `close`, the next call opens anew. */
  open(): Promise<Connection>;
  close(): Promise<void>;
}

export interface BootOptions {
  /** Images are shared with other kernels here; all else is in a folder of this process. Default: the machine's (or the user's) own. */
  readonly root?: string | undefined;
  /** Folder of sockets. Default: likewise. */
  readonly runRoot?: string | undefined;
  /** What the kernel is made of. Default: runtime-linux and image-oci. */
  readonly plugins?: readonly Plugin[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ConnectOptions {
  /** The kernel's socket. Default: `CORE_SOCK`, `CORE_HOST`, else the machine's own kernel. */
  readonly path?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export function createSource(open: () => Promise<Connection>): EngineSource {
  let connection: Promise<Connection> | undefined;
  return {
    open: () => {
      connection ??= open().catch((error) => {
        connection = undefined;
        throw error;
      });
      return connection;
    },
    close: async () => {
      const opened = connection;
      connection = undefined;
      await (await opened)?.close();
    },
  };
}

/** What the functions of `@core/sdk` use: a kernel named by the environment, else one of this process that is closed at its end. */
export async function openDefault(): Promise<Connection> {
  const path = socketOf(process.env);
  return path === undefined ? bootEngine({}) : connectEngine({ path });
}

/** Throws `E_UNREACHABLE` when no kernel answers. */
export async function connectEngine({ path = socketOf(process.env), signal }: ConnectOptions): Promise<Connection> {
  const hold = new Hold();
  return hold.during(async () => {
    const { attach } = await import('@core/core');
    const { engine, close } = await attach({ path, signal, background: true });
    return { engine: holding(engine, hold), close, embedded: false };
  });
}

/** What an embedded kernel is made of. By name, as in a plugin set: the SDK knows no driver. */
const PLUGINS = ['@core/runtime-linux', '@core/image-oci'];

export async function bootEngine({ plugins, ...places }: BootOptions): Promise<Connection> {
  const hold = new Hold();
  return hold.during(async () => {
    const { createKernel } = await import('@core/core');
    const kernel = await createKernel({ ...places, lease: true, plugins: plugins ?? (await Promise.all(PLUGINS.map(loadPlugin))) });
    // Nothing of these containers outlives the kernel, so there is nothing they could be given time for.
    const close = (): Promise<void> => hold.during(() => kernel.close({ haste: AbortSignal.abort() }));
    return { engine: holding(kernel.engine, hold), embedded: true, close };
  });
}

async function loadPlugin(name: string): Promise<Plugin> {
  const module = (await import(name)) as { readonly default: Plugin };
  return module.default;
}

/** Throws `E_INVALID` for a `CORE_HOST` that is no unix socket. */
export function socketOf({ CORE_SOCK, CORE_HOST }: NodeJS.ProcessEnv): string | undefined {
  if (CORE_SOCK) return CORE_SOCK;
  if (!CORE_HOST) return undefined;
  if (!CORE_HOST.startsWith('unix://')) {
    throw new CoreError('E_INVALID', { message: `CORE_HOST is ${CORE_HOST}`, hint: 'Write unix:///path/of/core.sock.' });
  }
  return CORE_HOST.slice('unix://'.length);
}
