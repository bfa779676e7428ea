/** Comes in: a source of an engine. Goes out: the verbs of the SDK bound to it. `index.ts` binds them to the default one. */
import type { ContainerInfo, ContainerOptions, Engine, Image } from '@core/core/plugin';
import { CreatedContainer, RunningContainer, toContainer, type StoppedContainer } from './container.js';
import { toCall, type VerbOptions } from './duration.js';
import type { Connection, EngineSource } from './engine.js';
import { toImage, type RunOptions, type StoredImage } from './image.js';
import { sandbox, type SandboxOptions } from './sandbox.js';
import type { Shell } from './shell.js';
import { warnUnmet } from './unmet.js';

export interface ListOptions extends VerbOptions {
  /** Those that ended too. Default false. */
  readonly all?: boolean | undefined;
  /** Only those that carry all of these. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface ImageOptions extends VerbOptions {
  /** A name to store it under. */
  readonly name?: string | undefined;
  /** `linux/arm64`. Default: this machine's. */
  readonly platform?: string | undefined;
}

export interface Sdk extends AsyncDisposable {
  /** `` await $`cmd` ``: the command in a container of its own, gone afterwards. `$({ image, memory, ... })` says which. */
  readonly $: Shell<SandboxOptions>;
  /** Brings the image if need be, makes the container and starts it; nothing is left when that fails. */
  run(image: string | StoredImage, options?: RunOptions): Promise<RunningContainer>;
  /** The same without the start. */
  create(image: string | StoredImage, options?: RunOptions): Promise<CreatedContainer>;
  /** By id, prefix of the id, or name. Throws `E_NOT_FOUND`. */
  container(name: string, options?: VerbOptions): Promise<CreatedContainer | RunningContainer | StoppedContainer>;
  containers(options?: ListOptions): Promise<readonly ContainerInfo[]>;
  /** Brings an image now: finds it stored, or reads, verifies and unpacks it. */
  image(reference: string, options?: ImageOptions): Promise<StoredImage>;
  images(options?: VerbOptions): Promise<readonly Image[]>;
  /** The contract underneath, for what the SDK has no verb for. */
  engine(): Promise<Engine>;
  /** Closes the connection or the kernel; an embedded kernel's containers are killed with it. */
  close(): Promise<void>;
}

export function createSdk(source: EngineSource): Sdk {
  const engine = async (): Promise<Engine> => (await source.open()).engine;

  async function run(image: string | StoredImage, options: RunOptions = {}): Promise<RunningContainer> {
    const connection = await source.open();
    const info = await connection.engine.containers.run(toRequest(image, options), toCall(options));
    warnUnmet(info, options);
    keepAlive(connection, info.id);
    return new RunningContainer(connection.engine, info);
  }

  return {
    $: sandbox(source),
    run,
    create: async (image, options = {}) => {
      const { containers } = await engine();
      const info = await containers.create(toRequest(image, options), toCall(options));
      warnUnmet(info, options);
      return new CreatedContainer(await engine(), info);
    },
    container: async (name, options = {}) => {
      const { containers } = await engine();
      return toContainer(await engine(), await containers.inspect({ container: name }, toCall(options)));
    },
    containers: async ({ all, labels, ...options } = {}) => (await engine()).containers.list({ all, labels }, toCall(options)),
    image: async (reference, { name, platform, ...options } = {}) =>
      toImage(await engine(), await (await engine()).images.ensure({ reference, name, platform }, toCall(options)), run),
    images: async (options = {}) => (await engine()).images.list({}, toCall(options)),
    engine,
    close: () => source.close(),
    [Symbol.asyncDispose]: () => source.close(),
  };
}

/**
 * Without a command the image's own runs with stdin held open, so that a shell waits and the container stays up for `$`. An
 * init reaps what commands leave behind, which that shell does not.
 */
function toRequest(image: string | StoredImage, { signal: _signal, timeout: _timeout, onProgress: _onProgress, ...options }: RunOptions): ContainerOptions {
  const idle = options.command === undefined;
  return { ...(idle && { stdin: true, init: true }), ...options, image: typeof image === 'string' ? image : image.id };
}

/** As a child process does, a running container of an embedded kernel keeps this process from ending: the wait does. */
function keepAlive({ engine, embedded }: Connection, container: string): void {
  if (embedded) engine.containers.wait({ container }).catch(() => {});
}
