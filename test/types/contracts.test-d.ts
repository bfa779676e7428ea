/** What must, and what must not, compile in a contract. Checked by `tsc -b`; nothing here runs. */
import { call, defineContract, stream, type CallOptions } from '@core/core/plugin';

interface Clock {
  now(request: { readonly zone: string }, call?: CallOptions): Promise<string>;
  ticks(request: Record<string, never>, call?: CallOptions): AsyncIterable<number>;
  readonly alarms: { set(request: { readonly at: number }, call?: CallOptions): Promise<void> };
}

const Clock = defineContract<Clock>()('clock', 1, { now: call(), ticks: stream(), alarms: { set: call({ deadline: 1000 }) } });
Clock.id satisfies 'clock';

// @ts-expect-error a method is missing from the table
defineContract<Clock>()('clock', 1, { now: call(), ticks: stream() });

// @ts-expect-error a method of a group is missing
defineContract<Clock>()('clock', 1, { now: call(), ticks: stream(), alarms: {} });

// @ts-expect-error `ticks` answers with a sequence
defineContract<Clock>()('clock', 1, { now: call(), ticks: call(), alarms: { set: call() } });

// @ts-expect-error `now` answers once
defineContract<Clock>()('clock', 1, { now: stream(), ticks: stream(), alarms: { set: call() } });

// @ts-expect-error a stream has no deadline: it ends when either side ends it
stream({ deadline: 1 });

// @ts-expect-error the table is frozen
Clock.methods.now = call();
