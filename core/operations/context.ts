/**
 * What every operation works with. Comes in: the ports and facilities of one kernel. Goes out: the same, in one object that is
 * handed to each operation. Made by `engine.ts`.
 */
import type { HookInfo, Images, PluginInfo, Runtime } from '../contracts/index.js';
import type { EventSource } from '../events/index.js';
import type { LifecycleHooks } from '../lifecycle/index.js';
import type { Logger } from '../log/index.js';
import type { Journal, Store } from '../state/index.js';
import type { Records } from './container/records.js';
import type { Registry } from './container/registry.js';
import type { SagaRunner } from './saga.js';

/** What the kernel gives the operations. */
export interface EngineParts {
  readonly runtime: Runtime;
  readonly images: Images;
  readonly hooks: LifecycleHooks;
  readonly events: EventSource;
  readonly store: Store;
  readonly journal: Journal;
  readonly log: Logger;
  readonly root: string;
  readonly version: string;
  readonly hookMap: () => readonly HookInfo[];
  readonly plugins: () => readonly PluginInfo[];
}

export interface Context extends EngineParts {
  readonly records: Records;
  readonly registry: Registry;
  readonly saga: SagaRunner;
  /** Aborted when the kernel closes: ends what waits in the background. */
  readonly closing: AbortSignal;
}
