/** `core plugins`: what runs in the kernel at the socket, with what each needs, gives and may do. */
import type { PluginInfo } from '../../contracts/index.js';
import { defineCommand } from '../define.js';
import type { Column } from '../table.js';

const columns: readonly Column<PluginInfo>[] = [
  { head: 'NAME', cell: ({ name }) => name },
  { head: 'VERSION', cell: ({ version }) => version },
  { head: 'STATE', cell: ({ state }, colors) => (state === 'running' ? colors.green(state) : colors.red(state)) },
  { head: 'ISOLATION', cell: ({ isolation }) => isolation },
  { head: 'PROVIDES', cell: ({ provides }) => provides.join(', ') || '-' },
  { head: 'NEEDS', cell: ({ needs }) => needs.join(', ') || '-' },
  { head: 'PERMISSIONS', cell: ({ permissions }) => permissions.join(', ') || '-' },
];

export default defineCommand({
  run: async (cli) => {
    const { system } = await cli.engine();
    const { renderTable } = await import('../table.js');
    const plugins = await system.plugins({});
    cli.print(plugins, renderTable(columns, plugins, cli));
  },
});
