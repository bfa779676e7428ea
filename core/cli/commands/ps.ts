/** `core ps`: the containers of the kernel at the socket, the newest first. */
import type { ContainerInfo } from '../../contracts/index.js';
import { CoreError } from '../../errors/index.js';
import { defineCommand, list } from '../define.js';
import { formatAge, shorten, shortId } from '../format.js';
import type { Colors, Column } from '../table.js';

interface Options {
  readonly all?: boolean;
  readonly quiet?: boolean;
  readonly label?: readonly string[];
}

export default defineCommand<Options>({
  define: (program) =>
    program
      .option('-a, --all', 'those that have ended, too')
      .option('-q, --quiet', 'ids only')
      .option('-l, --label <key=value>', 'only those that carry it (may be repeated)', list),
  run: async (cli, _args, { all = false, quiet = false, label = [] }) => {
    const labels = toLabels(label);
    const { containers } = await cli.engine();
    const found = [...(await containers.list({ all, labels }))].sort((a, b) => b.createdAt - a.createdAt);
    if (cli.json) return cli.print(found, '');
    if (quiet) return cli.print(found, found.map(({ id }) => id).join('\n'));
    const { renderTable } = await import('../table.js');
    cli.print(found, renderTable(columns(Date.now()), found, cli));
  },
});

function columns(now: number): Column<ContainerInfo>[] {
  return [
    { head: 'ID', cell: ({ id }) => shortId(id) },
    { head: 'NAME', cell: ({ name }) => name },
    { head: 'IMAGE', cell: ({ image }) => shorten(image, 32) },
    { head: 'COMMAND', cell: ({ command }) => shorten(command.join(' '), 32) },
    { head: 'STATE', cell: (container, colors) => state(container, colors) },
    { head: 'AGE', align: 'right', cell: ({ createdAt }) => formatAge(now - createdAt) },
  ];
}

function state({ state, exit }: ContainerInfo, colors: Colors): string {
  if (state === 'running') return colors.green(state);
  if (state === 'exited' && exit) return exit.exitCode === 0 ? `exited (0)` : colors.red(`exited (${exit.oomKilled ? 'out of memory' : (exit.signal ?? exit.exitCode)})`);
  return colors.yellow(state);
}

function toLabels(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [key = '', ...value] = pair.split('=');
      if (key === '' || value.length === 0) throw new CoreError('E_INVALID', { message: `${pair} is no label`, hint: 'Write --label key=value.' });
      return [key, value.join('=')];
    }),
  );
}
