/** `core stats`: what containers use; a live table on a terminal, one reading otherwise. */
import { setTimeout } from 'node:timers/promises';
import type { Engine, Stats } from '../../contracts/index.js';
import { isCoreError } from '../../errors/index.js';
import type { Cli } from '../cli.js';
import { defineCommand } from '../define.js';
import { formatBytes, shortId } from '../format.js';
import type { Column } from '../table.js';

const INTERVAL_MS = 1_000;

interface Reading extends Stats {
  readonly name: string;
  /** Of one core: 200 is two cores' worth. Since the reading before. */
  readonly cpuPercent: number;
}

export default defineCommand<{ readonly stream: boolean }>({
  define: (program) => program.argument('[container...]', 'default: all that run').option('--no-stream', 'one reading, also on a terminal'),
  run: async (cli, names, { stream }) => {
    const engine = await cli.engine();
    const live = stream && !cli.json && process.stdout.isTTY === true;
    let before = await read(engine, names);
    for (;;) {
      await setTimeout(INTERVAL_MS);
      const now = await read(engine, names);
      const readings = now.map((stats) => ({ ...stats, cpuPercent: cpuPercent(stats, before) }));
      await show(cli, readings, { live });
      before = now;
      if (!live || (names.length > 0 && now.length === 0)) return;
    }
  },
});

async function read(engine: Engine, names: readonly string[]): Promise<Array<Stats & { name: string }>> {
  const wanted = names.length > 0 ? await Promise.all(names.map((container) => engine.containers.inspect({ container }))) : await engine.containers.list({});
  const readings = await Promise.all(wanted.map(async ({ id, name }) => {
    try {
      return [{ ...(await engine.containers.stats({ container: id })), id, name }];
    } catch (error) {
      // It may have ended since it was listed.
      if (isCoreError(error, 'E_STATE') || isCoreError(error, 'E_NOT_FOUND')) return [];
      throw error;
    }
  }));
  return readings.flat();
}

function cpuPercent(now: Stats, all: readonly Stats[]): number {
  const before = all.find(({ id }) => id === now.id);
  const elapsed = before ? now.time - before.time : 0;
  if (!before || elapsed <= 0) return 0;
  return Math.max(0, (now.cpu.usageUsec - before.cpu.usageUsec) / (elapsed * 10));
}

const columns: readonly Column<Reading>[] = [
  { head: 'ID', cell: ({ id }) => shortId(id) },
  { head: 'NAME', cell: ({ name }) => name },
  { head: 'CPU', align: 'right', cell: ({ cpuPercent }) => `${cpuPercent.toFixed(1)}%` },
  { head: 'MEMORY', align: 'right', cell: ({ memory }) => formatBytes(memory.usage) },
  { head: 'LIMIT', align: 'right', cell: ({ memory: { limit } }) => (limit === undefined ? '-' : formatBytes(limit)) },
  { head: 'USED', align: 'right', cell: ({ memory }, colors) => share(memory, colors.red) },
  { head: 'PIDS', align: 'right', cell: ({ pids }) => (pids.limit === undefined ? String(pids.current) : `${pids.current}/${pids.limit}`) },
  { head: 'READ', align: 'right', cell: ({ io }) => formatBytes(io.readBytes) },
  { head: 'WRITTEN', align: 'right', cell: ({ io }) => formatBytes(io.writeBytes) },
];

function share({ usage, limit }: Stats['memory'], alarm: (text: string) => string): string {
  if (!limit) return '-';
  const percent = (usage / limit) * 100;
  return percent >= 90 ? alarm(`${percent.toFixed(0)}%`) : `${percent.toFixed(0)}%`;
}

async function show(cli: Cli, readings: readonly Reading[], { live }: { live: boolean }): Promise<void> {
  if (cli.json) return cli.print(readings, '');
  const { renderTable } = await import('../table.js');
  const table = renderTable(columns, readings, cli);
  // Home, each line cleared to its end, then all below: no flicker.
  cli.print(readings, live ? `\x1b[H${table.replaceAll('\n', '\x1b[K\n')}\x1b[K\n\x1b[J` : table);
}
