/** `core attach`: our terminal becomes the container's, until it ends or the detach keys are typed; its exit code is ours. */
import { defineCommand } from '../define.js';
import { forward } from '../streams.js';
import { DETACH_KEYS, openTerminal } from '../terminal.js';

interface Options {
  readonly stdin: boolean;
  readonly detachKeys: string;
}

export default defineCommand<Options>({
  define: (program) =>
    program
      .argument('<container>')
      .option('--no-stdin', 'only watch')
      .option('--detach-keys <keys>', 'leave it running and return', DETACH_KEYS),
  run: async (cli, [container = ''], { stdin, detachKeys }) => {
    const { containers } = await cli.engine();
    const { settings } = await containers.inspect({ container });
    const feeds = stdin && settings?.stdin === true;
    const hasTerminal = settings?.terminal === true;
    const terminal = openTerminal({ raw: feeds && hasTerminal, detachKeys });
    try {
      if (hasTerminal) {
        if (terminal.size) await containers.resize({ container, ...terminal.size });
        terminal.onResize((size) => void containers.resize({ container, ...size }).catch(() => {}));
      }
      const events = containers.attach({ container, stdin: feeds }, { signal: terminal.detached, ...(feeds && { input: terminal.input }) });
      return await forward(events, { json: cli.json });
    } catch (error) {
      if (terminal.detached.aborted) return 0;
      throw error;
    } finally {
      terminal.restore();
    }
  },
});
