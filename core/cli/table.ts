/** Comes in: rows and how to show each column. Goes out: an aligned table without borders; its head is dim on a terminal. */
import Table from 'cli-table3';
import picocolors from 'picocolors';
import { printable } from './format.js';

export interface Column<Row> {
  readonly head: string;
  readonly align?: 'left' | 'right' | undefined;
  readonly cell: (row: Row, colors: Colors) => string;
}

export type Colors = ReturnType<typeof picocolors.createColors>;

const NO_BORDERS = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'].map((name) => [name, '']),
);

export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], { color }: { readonly color: boolean }): string {
  const colors = createColors(color);
  const table = new Table({
    chars: NO_BORDERS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 3 },
    colAligns: columns.map(({ align = 'left' }) => align),
    head: columns.map(({ head }) => colors.dim(head)),
  });
  for (const row of rows) table.push(columns.map(({ cell }) => printable(cell(row, colors))));
  return table.toString().replace(/ +$/gm, '');
}

export function createColors(color: boolean): Colors {
  return picocolors.createColors(color);
}
