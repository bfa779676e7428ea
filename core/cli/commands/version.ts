/** `core version`: ours, and the kernel's when one answers. */
import { isCoreError } from '../../errors/index.js';
import type { Cli } from '../cli.js';
import { defineCommand } from '../define.js';
import { ownVersion } from '../help.js';

export default defineCommand({
  run: async (cli) => {
    const client = await ownVersion();
    const kernel = await ask(cli);
    cli.print({ client, node: process.version, kernel }, `core ${client} (Node ${process.version})\n${kernel ? `kernel ${kernel.version}, pid ${kernel.pid}, root ${kernel.root}` : `no kernel at ${cli.socket}`}`);
  },
});

async function ask(cli: Cli): Promise<{ version: string; pid: number; root: string } | null> {
  try {
    return await (await cli.engine()).system.ping({});
  } catch (error) {
    if (isCoreError(error, 'E_UNREACHABLE')) return null;
    throw error;
  }
}
