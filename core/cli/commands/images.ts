/** `core images`: what is stored, the newest first. */
import type { Image } from '../../contracts/index.js';
import { defineCommand } from '../define.js';
import { formatAge, formatBytes, shortId } from '../format.js';
import type { Column } from '../table.js';

export default defineCommand<{ readonly quiet?: boolean }>({
  define: (program) => program.option('-q, --quiet', 'ids only'),
  run: async (cli, _args, { quiet = false }) => {
    const { images } = await cli.engine();
    const found = [...(await images.list({}))].sort((a, b) => b.created - a.created);
    if (cli.json) return cli.print(found, '');
    if (quiet) return cli.print(found, found.map(({ id }) => id).join('\n'));
    const { renderTable } = await import('../table.js');
    cli.print(found, renderTable(columns(Date.now()), found, cli));
  },
});

function columns(now: number): Column<Image>[] {
  return [
    { head: 'NAME', cell: ({ names }) => names.join(', ') || '-' },
    { head: 'ID', cell: ({ id }) => shortId(id) },
    { head: 'PLATFORM', cell: ({ os, architecture }) => `${os}/${architecture}` },
    { head: 'LAYERS', align: 'right', cell: ({ layers }) => String(layers.length) },
    { head: 'SIZE', align: 'right', cell: ({ size }) => formatBytes(size) },
    { head: 'CREATED', align: 'right', cell: ({ created }) => (created > 0 ? formatAge(now - created) : '-') },
  ];
}
