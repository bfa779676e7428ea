/**
 * What stands for the machine: the containers that run on it. It outlives a runtime, as a machine outlives a kernel: hand the
 * same one to the next runtime to test restarts.
 */
import type { RuntimeEvent } from '@core/core/plugin';
import { Channel } from './channel.js';
import type { FakeContainer } from './container.js';

export class FakeMachine {
  readonly containers = new Map<string, FakeContainer>();
  /** Lags by 1024 events at most. */
  readonly events = new Channel<RuntimeEvent>(1024);
}
