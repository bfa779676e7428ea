/** `core doctor`: what this machine can do, what each lack costs and how to mend it. Exit code 1 when no container could run. */
import { defineCommand } from '../define.js';
import { examine, openMachine, type Examined } from '../doctor/index.js';
import { createColors, type Colors } from '../table.js';

export default defineCommand({
  run: async (cli) => {
    const machine = openMachine();
    const found = await examine(machine);
    const able = found.every(({ status }) => status !== 'failed');
    cli.print({ ok: able, node: machine.node, kernel: machine.kernel, checks: found }, render(found, createColors(cli.color)));
    return able ? 0 : 1;
  },
});

function render(found: readonly Examined[], colors: Colors): string {
  const width = Math.max(...found.map(({ name }) => name.length));
  const groups = [...new Set(found.map(({ group }) => group))];
  const sections = groups.map((group) => {
    const rows = found.filter((row) => row.group === group).map((row) => renderRow(row, { width, colors }));
    return `${colors.bold(group)}\n${rows.join('\n')}`;
  });
  return `${sections.join('\n\n')}\n\n${verdict(found)}`;
}

function renderRow({ status, name, found, cost, mend }: Examined, { width, colors }: { width: number; colors: Colors }): string {
  const mark = { ok: colors.green('ok  '), limited: colors.yellow('lack'), failed: colors.red('FAIL') }[status];
  const indent = ' '.repeat(width + 9);
  const more = [cost && `${indent}costs: ${cost}`, mend && `${indent}mend:  ${mend}`].filter(Boolean).map((line) => colors.dim(String(line)));
  return [`  ${mark}  ${name.padEnd(width)} ${found}`, ...more].join('\n');
}

function verdict(found: readonly Examined[]): string {
  const count = (wanted: Examined['status']): number => found.filter(({ status }) => status === wanted).length;
  if (count('failed') > 0) return `${count('failed')} of these must be mended before a container can run.`;
  return count('limited') > 0 ? `Containers can run; ${count('limited')} of these limit what they can use.` : 'All is well.';
}
