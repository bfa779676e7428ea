/** The SDK on a scripted engine that runs real commands on this machine, without containers. Called by the tests of `$`. */
import { createSource } from '#sdk/engine.js';
import { createSdk } from '#sdk/sdk.js';
import { localEngine } from './local-engine.js';

export async function inside() {
  const local = localEngine();
  const sdk = createSdk(createSource(async () => ({ engine: local.engine, embedded: false, close: async () => {} })));
  const c = await sdk.run('host', { command: ['sleep'] });
  return { ...local, c, $: c.$, sdk };
}
