/** The top-level `$`: comes in a template, goes out a command in a container made for it alone and removed after it. */
import type { ContainerOptions } from '@core/core/plugin';
import { removeContainer } from './container.js';
import type { EngineSource } from './engine.js';
import type { OpenPlace } from './execution.js';
import { warnUnmet } from './unmet.js';
import { createShell, type Shell, type ShellOptions } from './shell.js';

/** The command's options, and those of the container around it. */
export type SandboxOptions = ShellOptions & Omit<ContainerOptions, 'image' | 'command' | 'entrypoint' | 'stdin' | 'terminal' | 'remove' | 'keep' | 'env' | 'cwd' | 'user'> & {
  /** Default `host`: this machine's own files, read-only underneath, writes thrown away. It must have `/bin/sh`. */
  readonly image?: string | undefined;
};

export function sandbox(source: EngineSource): Shell<SandboxOptions> {
  return createShell((options) => openSandbox(source, options), {});
}

/** A shell that waits on an open stdin holds the container up while the command runs beside it. */
function openSandbox(source: EngineSource, options: SandboxOptions): OpenPlace {
  return async (call) => {
    const { engine } = await source.open();
    const info = await engine.containers.run({ ...containerPart(options), entrypoint: [], command: ['/bin/sh'], stdin: true, init: true }, call);
    warnUnmet(info, options);
    return { engine, container: info.id, close: () => removeContainer(engine, info.id) };
  };
}

function containerPart(options: SandboxOptions): ContainerOptions {
  const { cwd: _1, env: _2, user: _3, shell: _4, prefix: _5, nothrow: _6, verbose: _7, input: _8, signal: _9, timeout: _10, killSignal: _11, maxBuffer: _12, ...rest } = options;
  return { ...rest, image: rest.image ?? 'host' };
}
