/**
 * The process of an isolated plugin: its whole program. Comes in: the plugin's module as argument, everything else over the link
 * on fd 3. Goes out: the plugin's contracts, over the same link. Started by `isolate.ts`; here the plugin is in process.
 */
import { CoreError, toCoreError } from '../errors/index.js';
import { linkToParent } from '../ipc/index.js';
import { isPlugin, type Plugin } from './define-plugin.js';
import { IsolatedInside } from './isolate-inside.js';

/** Milliseconds the plugin has to close once the kernel is gone. */
const ORPHAN_DEADLINE = 10_000;

await main(process.argv[2] ?? '');

async function main(module: string): Promise<void> {
  // Ctrl-C and a service manager's stop reach the whole group: the kernel closes us in its order, or its link ends.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const plugin = await load(module);
  process.title = `core: ${plugin.name}`;
  const inside = new IsolatedInside(plugin);
  const link = linkToParent({ identity: { name: plugin.name, version: plugin.version }, exports: inside.exports() });
  inside.link = link;
  await link.closed;
  setTimeout(() => process.exit(1), ORPHAN_DEADLINE).unref();
  await inside.close().catch((error: unknown) => console.error(toCoreError(error).message));
  process.exit(0);
}

async function load(module: string): Promise<Plugin> {
  const loaded = (await import(module)) as { readonly default?: unknown };
  if (isPlugin(loaded.default)) return loaded.default;
  throw new CoreError('E_PLUGIN', { message: `${module} has no plugin as its default export`, hint: 'Export what definePlugin returns as default.' });
}
