/**
 * Create and start as one operation. Comes in: options. Goes out: a running container; nothing is left when any of it fails.
 * Called through `engine@1`.
 */
import type { CallOptions, ContainerInfo, ContainerOptions } from '../../contracts/index.js';
import type { Context } from '../context.js';
import { makeContainer, prepare } from './create.js';
import { launch } from './start.js';

export async function run(context: Context, options: ContainerOptions, call: CallOptions = {}): Promise<ContainerInfo> {
  return makeContainer(context, { operation: 'container.run', options, call }, async (saga, container, settings) => {
    await prepare(context, saga, { container, settings, call });
    await launch(context, saga, container);
    // The record was queued before the container was started, so by now it is as good as written.
    await saga.recorded();
    // Not awaited: should this write be lost, recovery finds the intent of a container that lives, and keeps it.
    void saga.commit(() => context.records.put(container.known));
  });
}
