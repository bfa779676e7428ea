/**
 * The SDK: containers for scripts. The functions exported here share one engine, opened on first use: the kernel named by
 * `CORE_SOCK` or `CORE_HOST`, else one booted in this process and closed when nothing is left to do. `connect()` and `boot()`
 * give the same functions bound to a kernel of your choice.
 */
import { bootEngine, connectEngine, createSource, openDefault, type BootOptions, type ConnectOptions } from './engine.js';
import { createSdk, type Sdk } from './sdk.js';

const shared = createSdk(createSource(async () => {
  const connection = await openDefault();
  process.once('beforeExit', () => void shared.close());
  return connection;
}));

export const { $, run, create, container, containers, image, images } = shared;

/** Throws `E_UNREACHABLE` when no kernel answers. */
export async function connect(options: ConnectOptions = {}): Promise<Sdk> {
  const connection = await connectEngine(options);
  return createSdk(createSource(async () => connection));
}

/** A kernel of its own in this process; its containers end with it. */
export async function boot(options: BootOptions = {}): Promise<Sdk> {
  const connection = await bootEngine(options);
  return createSdk(createSource(async () => connection));
}

export { Command, type CommandOptions } from './command.js';
export { CreatedContainer, RunningContainer, StoppedContainer, type AttachOptions, type StopOptions } from './container.js';
export type { Duration, VerbOptions } from './duration.js';
export type { BootOptions, ConnectOptions } from './engine.js';
export { ExitError } from './failure.js';
export type { RunOptions, StoredImage } from './image.js';
export type { Input } from './input.js';
export type { LogLine, Logs, LogsOptions } from './logs.js';
export { Output } from './output.js';
export { quote } from './quote.js';
export type { SandboxOptions } from './sandbox.js';
export { createSdk, type ImageOptions, type ListOptions, type Sdk } from './sdk.js';
export type { ProcessOptions, Shell, ShellOptions } from './shell.js';
export { CoreError, isCoreError, type ContainerInfo, type ContainerOptions, type Image, type Stats, type Unmet } from '@core/core/plugin';
