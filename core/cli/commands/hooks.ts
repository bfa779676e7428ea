/** `core hooks`: the map of lifecycles, each hook with its kind, its sentence and who taps it, in the order of the calls. */
import type { HookInfo } from '../../contracts/index.js';
import { defineCommand } from '../define.js';
import type { Column } from '../table.js';

const columns: readonly Column<HookInfo>[] = [
  { head: 'HOOK', cell: ({ name }) => name },
  { head: 'KIND', cell: ({ kind }) => kind },
  { head: 'TAPS', cell: ({ taps }, colors) => (taps.length > 0 ? taps.join(', ') : colors.dim('-')) },
  { head: 'ABOUT', cell: ({ about }, colors) => colors.dim(about) },
];

export default defineCommand({
  run: async (cli) => {
    const { system } = await cli.engine();
    const { renderTable } = await import('../table.js');
    const hooks = await system.hooks({});
    cli.print(hooks, renderTable(columns, hooks, cli));
  },
});
