/** A plugin for the tests of isolation: it does in its process whatever it is asked to. Its default export is loaded in a child. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { call, CoreError, defineContract, definePlugin, optional, stream, type CallOptions, type EngineEvent, type Plugin } from '#core/plugin.js';

export interface Greeter {
  hello(request: { readonly name: string }, call?: CallOptions): Promise<string>;
  chatter(request: Record<string, never>, call?: CallOptions): AsyncIterable<string>;
}

export const Greeter = defineContract<Greeter>()('greeter', 1, { hello: call(), chatter: stream() });

export interface Absent {
  nothing(request: Record<string, never>, call?: CallOptions): Promise<void>;
}

export const Absent = defineContract<Absent>()('absent', 1, { nothing: call() });

export interface Lab {
  facts(request: Record<string, never>, call?: CallOptions): Promise<{ pid: number; env: string[]; execArgv: string[]; config: unknown; previous: unknown; hasAbsent: boolean; sawEvents: string[] }>;
  ask(request: { readonly name: string }, call?: CallOptions): Promise<string>;
  listen(request: { readonly count: number }, call?: CallOptions): Promise<string[]>;
  count(request: { readonly to: number; readonly dieAt?: number }, call?: CallOptions): AsyncIterable<number>;
  upload(request: Record<string, never>, call?: CallOptions): Promise<number>;
  fail(request: Record<string, never>, call?: CallOptions): Promise<never>;
  hang(request: Record<string, never>, call?: CallOptions): Promise<never>;
  die(request: { readonly how: 'exit' | 'kill' | 'throw' }, call?: CallOptions): Promise<never>;
  files(request: { readonly read?: string; readonly write?: string; readonly program?: string }, call?: CallOptions): Promise<string>;
  remember(request: { readonly key: string; readonly value: unknown }, call?: CallOptions): Promise<unknown>;
  announce(request: { readonly type: string }, call?: CallOptions): Promise<void>;
  say(request: { readonly text: string }, call?: CallOptions): Promise<void>;
  readonly nested: { double(request: { readonly n: number }, call?: CallOptions): Promise<number> };
}

export const Lab = defineContract<Lab>()('lab', 1, {
  facts: call(), ask: call(), listen: call(), count: stream(), upload: call({ input: true }), fail: call(), hang: call({ deadline: 0 }), die: call(), files: call(), remember: call(),
  announce: call(), say: call(), nested: { double: call() },
});

const config = z.strictObject({
  setup: z.enum(['throw', 'exit', 'hang', 'spin', 'bad-tap']),
  tag: z.string(),
  /** Setup fails as long as this file is there. */
  failWhile: z.string(),
}).partial().default({});

export function makeLab(version = '1.0.0', extra: readonly ('state' | 'exec' | `fs:/${string}`)[] = []): Plugin {
  return definePlugin({
    name: 'lab', version, api: 1, config,
    needs: { greeter: Greeter, absent: optional(Absent) },
    provides: { lab: Lab },
    permissions: ['hooks:container.*', 'state', ...extra],
    async setup(ctx) {
      await misbehave(ctx.config.setup);
      const { tag = 'none' } = ctx.config;
      const sawEvents: string[] = [];
      ctx.events.on(({ type }: EngineEvent) => sawEvents.push(type));
      ctx.hooks.container.spec.tap({}, (spec, { name }) => {
        if (name === 'bad') throw new CoreError('E_REFUSED', { message: 'the lab refuses' });
        return { ...spec, hostname: `${tag}-${name}` };
      });
      ctx.hooks.container.admit.tap({}, ({ name }) => (name === 'unwanted' ? { reason: 'unwanted here' } : undefined));
      ctx.hooks.container.assemble.tap({ name: 'pair' }, () => {
        sawEvents.push('assembled');
        return () => void sawEvents.push('taken apart');
      });
      if (ctx.config.setup === 'bad-tap') ctx.hooks.container.started.tap({ before: ['nobody-by-that-name'] }, () => undefined);
      ctx.effect('farewell', () => ctx.log.info({ tag }, 'lab is closing'));
      ctx.handover(() => ({ from: version, tag }), () => void sawEvents.push('took back'));
      ctx.log.warn({ tag, err: new Error('just a test') }, 'lab is up');
      return {
        lab: {
          facts: async () => ({ pid: process.pid, env: Object.keys(process.env), execArgv: process.execArgv, config: ctx.config, previous: ctx.previous, hasAbsent: ctx.absent !== undefined, sawEvents }),
          ask: ({ name }, call) => ctx.greeter.hello({ name }, call),
          listen: async ({ count }) => {
            const heard: string[] = [];
            for await (const word of ctx.greeter.chatter({})) if (heard.push(word) === count) break;
            return heard;
          },
          async *count({ to, dieAt }) {
            for (let n = 1; n <= to; n++) {
              if (n === dieAt) process.kill(process.pid, 'SIGKILL');
              yield n;
            }
          },
          async upload(_request, call) {
            let bytes = 0;
            for await (const piece of call?.input ?? []) bytes += piece.length;
            return bytes;
          },
          fail: async () => {
            throw new CoreError('E_IN_USE', { message: 'from the child', object: { kind: 'thing', id: '1' } });
          },
          hang: (_request, call) => new Promise((_resolve, reject) => call?.signal?.addEventListener('abort', () => reject(call.signal?.reason as Error))),
          die: ({ how }) => die(how),
          files: async (request) => files(request),
          remember: async ({ key, value }) => {
            await ctx.state.put(key, value);
            return [await ctx.state.get(key), await ctx.state.list()];
          },
          announce: async ({ type }) => void ctx.events.emit({ type, object: { kind: 'plugin', id: 'lab' } }),
          say: async ({ text }) => console.log(text),
          nested: { double: async ({ n }) => n * 2 },
        },
      };
    },
  });
}

async function misbehave(how: string | undefined): Promise<void> {
  if (how === 'throw') throw new CoreError('E_SETUP', { message: 'the lab cannot start', hint: 'Mend the lab.' });
  if (how === 'exit') {
    console.error('last words of the lab');
    process.exit(9);
  }
  if (how === 'hang') await new Promise(() => undefined);
  if (how === 'spin') for (;;);
}

async function die(how: 'exit' | 'kill' | 'throw'): Promise<never> {
  if (how === 'exit') process.exit(7);
  if (how === 'kill') process.kill(process.pid, 'SIGKILL');
  else setImmediate(() => { throw new Error('nobody catches this'); });
  return new Promise(() => undefined);
}

function files({ read, write, program }: { read?: string; write?: string; program?: string }): string {
  if (read !== undefined) return readFileSync(read, 'utf8');
  if (write !== undefined) writeFileSync(write, 'written');
  if (program !== undefined) return String(spawnSync(program).status);
  return 'done';
}

export default makeLab();
