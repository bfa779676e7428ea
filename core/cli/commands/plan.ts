/** `core plan SET.json`: the order in which its plugins come up, and for each need who meets it and why. Nothing is started. */
import { readPluginSet } from '../../config/load.js';
import { isPlugin, makePlan, type Plan, type PlanEdge } from '../../kernel/index.js';
import { operationsManifest } from '../../operations/plugin.js';
import { defineCommand } from '../define.js';
import { createColors, renderTable, type Colors, type Column } from '../table.js';

export default defineCommand({
  define: (program) => program.argument('<plugin-set>', 'a .json file'),
  run: async (cli, [file = '']) => {
    const set = await readPluginSet(file, isPlugin);
    const plan = makePlan([...set.plugins.map(({ plugin }) => plugin), operationsManifest], set.bindings);
    cli.print({ file: set.file, ...plan }, render(plan, { color: cli.color, colors: createColors(cli.color) }));
  },
});

const columns: readonly Column<PlanEdge>[] = [
  { head: 'PLUGIN', cell: ({ consumer }) => consumer },
  { head: 'NEEDS', cell: ({ contract }) => contract },
  { head: 'GETS IT FROM', cell: ({ provider }, colors) => provider ?? colors.dim('nobody') },
  { head: 'BECAUSE', cell: ({ reason }, colors) => colors.dim(reason) },
];

function render({ levels, edges }: Plan, { color, colors }: { color: boolean; colors: Colors }): string {
  const steps = levels.map((names, index) => `${String(index + 1).padStart(3)}  ${names.join(', ')}`).join('\n');
  const needs = edges.length > 0 ? `\n\n${renderTable(columns, edges, { color })}` : '';
  return `${colors.dim('Up in this order; those of one line at the same time; down in reverse.')}\n${steps}${needs}`;
}
