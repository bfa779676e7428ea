/** `core exec`: one more command in a running container; its exit code is ours. */
import { defineCommand, list } from '../define.js';
import { forward } from '../streams.js';
import { DETACH_KEYS, openTerminal } from '../terminal.js';

interface Options {
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly user?: string;
  readonly workdir?: string;
  readonly env?: readonly string[];
  readonly privileged?: boolean;
  readonly detach?: boolean;
  readonly detachKeys: string;
}

export default defineCommand<Options>({
  define: (program) =>
    program
      .argument('<container>')
      .argument('<command...>')
      .passThroughOptions()
      .option('-i, --interactive', 'pass our stdin on')
      .option('-t, --tty', 'give it a terminal')
      .option('-u, --user <user>', 'name, uid, name:group or uid:gid')
      .option('-w, --workdir <folder>', 'its working folder')
      .option('-e, --env <name=value>', 'added to the environment (may be repeated); without a value, ours', list)
      .option('--privileged', 'all capabilities, inside its namespaces')
      .option('-d, --detach', 'let it run on and return at once')
      .option('--detach-keys <keys>', 'leave it running and return', DETACH_KEYS),
  run: async (cli, [container = '', ...args], options) => {
    const { containers } = await cli.engine();
    const { interactive = false, tty = false, detach = false } = options;
    const terminal = openTerminal({ raw: interactive && tty, detachKeys: options.detachKeys });
    try {
      const request = { container, args, terminal: tty, stdin: interactive, detach, size: tty ? terminal.size : undefined, ...processOptions(options) };
      const events = containers.exec(request, { signal: terminal.detached, ...(interactive && { input: terminal.input }) });
      const onStarted = (execId: string): void => {
        if (tty) terminal.onResize((size) => void containers.resize({ container, execId, ...size }).catch(() => {}));
      };
      if (detach) return await started(events);
      return await forward(events, { json: cli.json, onStarted });
    } catch (error) {
      if (terminal.detached.aborted) return 0;
      throw error;
    } finally {
      terminal.restore();
    }
  },
});

function processOptions({ user, workdir, env, privileged }: Options) {
  return { user, cwd: workdir, privileged, env: env?.map((pair) => (pair.includes('=') ? pair : `${pair}=${process.env[pair] ?? ''}`)) };
}

/** A detached process has started once its first event is here. */
async function started(events: AsyncIterable<unknown>): Promise<number> {
  const iterator = events[Symbol.asyncIterator]();
  await iterator.next();
  await iterator.return?.();
  return 0;
}
