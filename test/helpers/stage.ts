/**
 * A kernel of one test's own, with the verbs tests repeat. Comes in: folders. Goes out: containers that have said what they saw.
 * Called by `e2e()`.
 */
import { createKernel, type CoreKernel } from '@core/core';
import type { ContainerInfo, ContainerOptions, Engine, ExecRequest, ExitStatus } from '@core/core/plugin';
import { optionsImage } from './images.js';
import { plugins } from './real-plugins.js';

/** Printed by a container's command when it has said all; the container then stays until it is removed. */
const END = '--said--';

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Box {
  readonly id: string;
  readonly pid: number;
  /** What its command printed to stdout, trimmed. */
  readonly said: string;
  /** A shell line inside. */
  sh(line: string, more?: Partial<ExecRequest>): Promise<Said>;
}

export interface Folders {
  readonly root: string;
  readonly runRoot: string;
}

export async function bootStage(folders: Folders, lease = false): Promise<Stage> {
  return new Stage(folders, await createKernel({ plugins, lease, ...folders }));
}

export class Stage {
  readonly folders: Folders;
  readonly kernel: CoreKernel;
  readonly engine: Engine;

  constructor(folders: Folders, kernel: CoreKernel) {
    this.folders = folders;
    this.kernel = kernel;
    this.engine = kernel.engine;
  }

  /** A container that prints what `script` prints and then stays. */
  async up(options: Partial<ContainerOptions>, script = ''): Promise<Box> {
    const command = ['/bin/sh', '-c', `${script}\necho; echo ${END}; exec sleep 1000`];
    const info = await this.engine.containers.run({ image: optionsImage(), command, ...options });
    const said = await this.#saidBy(info.id);
    return { id: info.id, pid: info.pid ?? 0, said, sh: (line, more) => this.exec(info.id, ['/bin/sh', '-c', line], more) };
  }

  /** A container that runs `script` to its end. */
  async through(options: Partial<ContainerOptions>, script?: string): Promise<Said & { readonly exit: ExitStatus; readonly info: ContainerInfo }> {
    const command = script === undefined ? {} : { command: ['/bin/sh', '-c', script] };
    const info = await this.engine.containers.run({ image: optionsImage(), ...command, ...options });
    const exit = await this.engine.containers.wait({ container: info.id });
    return { ...(await this.logs(info.id)), code: exit.exitCode, exit, info };
  }

  async exec(container: string, args: readonly string[], more: Partial<ExecRequest> = {}): Promise<Said> {
    const text = { stdout: '', stderr: '' };
    let code = -1;
    for await (const event of this.engine.containers.exec({ container, args, ...more })) {
      if (event.type === 'stdout' || event.type === 'stderr') text[event.type] += Buffer.from(event.data).toString();
      if (event.type === 'exit') code = event.exitCode;
    }
    return { code, out: text.stdout.trim(), err: text.stderr.trim() };
  }

  async logs(container: string): Promise<Omit<Said, 'code'>> {
    const text = { stdout: '', stderr: '' };
    for await (const { stream, line, partial } of this.engine.containers.logs({ container })) text[stream] += partial ? line : `${line}\n`;
    return { out: text.stdout.trim(), err: text.stderr.trim() };
  }

  async removeAll(): Promise<void> {
    const all = await this.engine.containers.list({ all: true });
    await Promise.all(all.map(({ id }) => this.engine.containers.remove({ container: id, force: true })));
  }

  async close(): Promise<void> {
    await this.kernel.close();
  }

  async #saidBy(container: string): Promise<string> {
    const lines: string[] = [];
    const errors: string[] = [];
    for await (const { stream, line: raw } of this.engine.containers.logs({ container, follow: true })) {
      const line = raw.replace(/\r$/, ''); // a terminal ends lines so
      if (line === END) return lines.join('\n').trim();
      (stream === 'stdout' ? lines : errors).push(line);
    }
    throw new Error(`the container ended before it had said all: ${[...lines, ...errors].join('\n')}`);
  }
}
