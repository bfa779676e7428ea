/** Small plugins and a small contract for the kernel's tests. Comes in: what a test varies. Goes out: definePlugin's results. */
import { call, defineContract, stream, type CallOptions, type Contract } from '#core/contracts/index.js';
import { bootKernel, definePlugin, optional, type Kernel, type KernelEntry, type KernelOptions, type Plugin, type PluginContext } from '#core/kernel/index.js';

/** Who answers: the version in it shows which implementation a call reached. */
export interface Echo {
  say(request: { readonly text: string }, call?: CallOptions): Promise<{ readonly text: string; readonly version: string }>;
  /** Never answers by itself. */
  hang(request: Record<string, never>, call?: CallOptions): Promise<never>;
  /** Never answers by itself, and may be asked again. */
  wait(request: Record<string, never>, call?: CallOptions): Promise<string>;
  count(request: { readonly to: number }, call?: CallOptions): AsyncIterable<number>;
  /** Numbers with the version before them; may be asked again. */
  tail(request: Record<string, never>, call?: CallOptions): AsyncIterable<string>;
  readonly group: { deep(request: Record<string, never>, call?: CallOptions): Promise<string> };
}

export const Echo = defineContract<Echo>()('echo', 1, {
  say: call(),
  hang: call({ deadline: 64 }),
  wait: call({ deadline: 0, resumable: true }),
  count: stream(),
  tail: stream({ resumable: true }),
  group: { deep: call() },
});

export interface Other {
  ask(request: Record<string, never>, call?: CallOptions): Promise<string>;
}

export const Other = defineContract<Other>()('other', 1, { ask: call() });

export function echo(version = '1.0.0', changes: Partial<Echo> = {}): Echo {
  return {
    say: async ({ text }) => ({ text, version }),
    hang: (_request, options) => untilAborted(options),
    wait: (_request, options) => untilAborted(options),
    async *count({ to }) {
      for (let number = 1; number <= to; number++) yield number;
    },
    async *tail() {
      for (let number = 1; ; number++) yield `${version} ${number}`;
    },
    group: { deep: async () => version },
    ...changes,
  };
}

export function untilAborted(options: CallOptions | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    const { signal } = options ?? {};
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

export interface EchoPluginOptions {
  readonly name?: string;
  readonly version?: string;
  readonly setup?: (ctx: PluginContext<undefined>) => Partial<Echo> | Promise<Partial<Echo> | void> | void;
}

/** Provides `echo@1`. */
export function echoPlugin({ name = 'echo', version = '1.0.0', setup }: EchoPluginOptions = {}): Plugin {
  return definePlugin({
    name, version, api: 1,
    provides: { echo: Echo },
    setup: async (ctx) => ({ echo: echo(version, (await setup?.(ctx)) ?? {}) }),
  });
}

export interface PlainPluginOptions {
  readonly needs?: readonly Contract<unknown>[];
  readonly wants?: readonly Contract<unknown>[];
  readonly provides?: readonly Contract<unknown>[];
  readonly setup?: (ctx: PluginContext<unknown>) => unknown;
}

/** A plugin of nothing but edges, for plans. */
export function plain(name: string, { needs = [], wants = [], provides = [], setup }: PlainPluginOptions = {}): Plugin {
  return definePlugin({
    name, version: '1.0.0', api: 1,
    needs: Object.fromEntries([...needs.map((contract) => [contract.id, contract]), ...wants.map((contract) => [contract.id, optional(contract)])]),
    provides: Object.fromEntries(provides.map((contract) => [contract.id, contract])),
    setup: (ctx) => (setup?.(ctx) ?? {}) as never,
  });
}

export function contract(id: string): Contract<unknown> {
  return defineContract<unknown>()(id, 1, {});
}

/** Boots with throw-away roots; nothing is written there. */
export function boot(entries: ReadonlyArray<Plugin | KernelEntry>, options: Partial<KernelOptions> = {}): Promise<Kernel> {
  const plugins = entries.map((entry) => ('plugin' in entry ? entry : { plugin: entry }));
  return bootKernel({ plugins, root: '/nonexistent/root', runRoot: '/nonexistent/run', ...options });
}

export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
