/**
 * `core run`: an engine for a job, or one that serves. Comes in: a plugin set and perhaps a script. Goes out: its containers'
 * output and their exit code. It validates everything, boots, runs what the set declares, and closes in reverse order.
 */
import { createKernel, loadPluginSet, type CoreKernel, type PluginSet } from '../index.js';
import { Engine } from '../contracts/engine.js';
import { CoreError } from '../errors/index.js';
import { createLogger, prettyLines, type LogLevel } from '../log/index.js';
import type { Cli } from './cli.js';
import { defineCommand } from './define.js';
import { catchInterrupts, type Interrupts } from './interrupt.js';
import { runContainers, type RunningContainers } from './run-containers.js';

interface Options {
  readonly log: LogLevel;
}

export default defineCommand<Options>({
  define: (program) =>
    program
      .argument('<plugin-set.json>')
      .argument('[script]', 'runs with the engine of this set (CORE_SOCK leads its SDK there)')
      .argument('[args...]', 'for the script, behind --')
      .option('--log <level>', 'trace, debug, info, warn, error or silent', 'warn'),
  run: async (cli, [file = '', script, ...args], { log }) => {
    const set = await loadPluginSet(file);
    const interrupts = catchInterrupts();
    try {
      return await runSet(cli, set, { job: script === undefined ? undefined : { file: script, args }, interrupts, log });
    } finally {
      interrupts.release();
    }
  },
});

interface RunCall {
  readonly job: { readonly file: string; readonly args: readonly string[] } | undefined;
  readonly interrupts: Interrupts;
  readonly log: LogLevel;
}

async function runSet(cli: Cli, set: PluginSet, call: RunCall): Promise<number> {
  const { interrupts, log: level } = call;
  const stays = set.serve || hasDoor(set);
  if (!stays && set.run.length === 0 && !call.job) {
    const issues = [{ path: 'run', message: 'is missing' }];
    throw new CoreError('E_INVALID', { message: `${set.file} gives nothing to do`, hint: 'Add "run" or "serve": true to it, or name a script.', issues });
  }
  const log = createLogger({ level, ...(process.stderr.isTTY && { format: prettyLines }) });
  const { plugins, bindings, root, runRoot } = set;
  const kernel = await createKernel({ plugins, bindings, root, runRoot, lease: !stays, log, signal: interrupts.stop });
  try {
    return await work(cli, kernel, { ...call, set, stays });
  } catch (error) {
    if (!interrupts.stop.aborted) throw error;
    return interrupts.code;
  } finally {
    await kernel.close({ haste: interrupts.haste });
  }
}

/** A plugin that needs the engine is there for somebody to come. */
function hasDoor({ plugins }: PluginSet): boolean {
  return plugins.some(({ plugin }) => Object.values(plugin.needs).some((need) => ('optional' in need ? need.optional : need).key === Engine.key));
}

interface Work extends RunCall {
  readonly set: PluginSet;
  readonly stays: boolean;
}

/** Until there is nothing left to do, or somebody says so. */
async function work(cli: Cli, kernel: CoreKernel, call: Work): Promise<number> {
  const { set, stays, interrupts } = call;
  const containers = await runContainers(cli, kernel.engine, { items: set.run, signal: interrupts.stop });
  if (stays) announce(cli, kernel);
  const code = await Promise.race([finish(kernel, containers, call), interrupts.stopped]);
  if (!interrupts.stop.aborted) return code;
  await containers.stop(interrupts.haste);
  return stays ? 0 : (await containers.exitCode()) || code;
}

/** The script is the job where there is one; what else runs then is there for it. */
async function finish({ socket }: CoreKernel, containers: RunningContainers, { job, stays, interrupts }: Work): Promise<number> {
  if (job) {
    const { runScript } = await import('./script.js');
    const code = await runScript({ ...job, env: { CORE_SOCK: socket } });
    if (!stays) return code;
  }
  return stays ? interrupts.stopped : containers.exitCode();
}

function announce(cli: Cli, { socket, root }: CoreKernel): void {
  if (cli.json) cli.printLine({ type: 'ready', socket, root, pid: process.pid });
  else process.stderr.write(`core: ready at ${socket}\n`);
}
