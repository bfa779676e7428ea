/** `core logs`: what containers wrote to stdout and stderr, each to where it belongs. */
import type { LogEntry } from '../../contracts/index.js';
import type { Cli } from '../cli.js';
import { count, defineCommand, moment } from '../define.js';
import { write } from '../streams.js';

interface Options {
  readonly follow?: boolean;
  readonly tail?: number;
  readonly since?: number;
  readonly until?: number;
  readonly timestamps?: boolean;
}

export default defineCommand<Options>({
  define: (program) =>
    program
      .argument('<container>')
      .option('-f, --follow', 'go on until the container ends')
      .option('-n, --tail <lines>', 'only the last lines', count)
      .option('--since <time>', 'from this time on: 10m (ago), an ISO time, or seconds since the epoch', moment)
      .option('--until <time>', 'before this time', moment)
      .option('-t, --timestamps', 'the time before each line'),
  run: async (cli, [container = ''], { timestamps = false, ...request }) => {
    const { containers } = await cli.engine();
    const print = printer(cli, timestamps);
    for await (const entry of containers.logs({ container, ...request })) await print(entry);
  },
});

/** Entries that continue one another make one line, with one timestamp. */
function printer(cli: Cli, timestamps: boolean): (entry: LogEntry) => Promise<void> {
  const open = { stdout: false, stderr: false };
  return async (entry) => {
    if (cli.json) return cli.printLine(entry);
    const head = timestamps && !open[entry.stream] ? `${entry.time} ` : '';
    open[entry.stream] = entry.partial;
    await write(process[entry.stream], `${head}${entry.line}${entry.partial ? '' : '\n'}`);
  };
}
