/** Taps that throw, never return, or are aborted: the error says who, and nothing is left. */
import test from 'ava';
import { CoreError } from '#core/errors/index.js';
import { claim, createHook, pair, parallel, reduce, series, type HookDeclaration } from '#core/hooks/index.js';

const plugins = ['a', 'b', 'c'];
const settings = { name: 'container.assemble', position: (name: string) => (plugins.includes(name) ? plugins.indexOf(name) : undefined) };
const never = new Promise<never>(() => {});
const short = { deadline: 20 };

const kinds: Record<string, HookDeclaration> = {
  series: series<object>('', short),
  parallel: parallel<object>('', short),
  claim: claim<object, string>('', short),
  reduce: reduce<object, object>('', short),
  pair: pair<object>('', short),
};

/** All kinds alike, their types aside. */
interface AnyHook {
  tap(target: { plugin: string; name?: string }, fn: (...values: unknown[]) => unknown): () => void;
  run(...values: unknown[]): unknown;
  readonly gate: { readonly inflight: number };
}

function make(kind: string): AnyHook {
  return createHook(kinds[kind] as HookDeclaration, settings) as unknown as AnyHook;
}

const run = (hook: AnyHook, kind: string, signal?: AbortSignal): Promise<unknown> =>
  Promise.resolve(kind === 'reduce' ? hook.run({}, {}, { signal }) : hook.run({}, { signal }));

for (const kind of Object.keys(kinds)) {
  for (const [how, fn] of [
    ['throws', () => { throw new Error('no room'); }],
    ['rejects', () => Promise.reject(new Error('no room'))],
  ] as const) {
    test(`${kind}: a tap that ${how} is named`, async (t) => {
      const hook = make(kind);
      hook.tap({ plugin: 'a', name: 'mount' }, fn);
      const error = await t.throwsAsync<CoreError>(run(hook, kind), { instanceOf: CoreError, code: 'E_HOOK' });
      t.is(error?.step, 'container.assemble (a/mount)');
      t.regex(error?.message ?? '', /no room/);
      t.is(hook.gate.inflight, 0);
    });
  }

  test(`${kind}: a tap that never returns is ended by the deadline, and told`, async (t) => {
    const hook = make(kind);
    let told: AbortSignal | undefined;
    hook.tap({ plugin: 'b' }, (...values) => {
      told = (values.at(-1) as { signal: AbortSignal }).signal;
      return never;
    });
    const error = await t.throwsAsync<CoreError>(run(hook, kind), { instanceOf: CoreError });
    const cause = error?.cause;
    t.is(cause instanceof AggregateError ? cause.errors[0].code : error?.code, 'E_TIMEOUT');
    t.is(error?.step, 'container.assemble (b)');
    t.true(told?.aborted);
    t.is(hook.gate.inflight, 0);
  });

  test(`${kind}: a tap that never returns is ended by the signal, which keeps no listener`, async (t) => {
    const hook = make(kind);
    const abort = new AbortController();
    hook.tap({ plugin: 'a' }, (...values) => {
      abort.abort(new Error('enough'));
      t.true((values.at(-1) as { signal: AbortSignal }).signal.aborted);
      return never;
    });
    const error = await t.throwsAsync<CoreError>(run(hook, kind, abort.signal), { instanceOf: CoreError, code: 'E_ABORTED' });
    t.is(error?.step, 'container.assemble (a)');
    t.is(hook.gate.inflight, 0);
  });
}

test('a timeout of something else inside a tap is the tap\'s failure, not the hook\'s deadline', async (t) => {
  const hook = make('series');
  const inner = new CoreError('E_TIMEOUT', { message: 'say did not answer' });
  hook.tap({ plugin: 'a' }, () => Promise.reject(inner));
  const error = await t.throwsAsync<CoreError>(run(hook, 'series'), { code: 'E_HOOK', message: /\(a\): say did not answer/ });
  t.is(error?.cause, inner);
});

test('series: the first failure ends the run', async (t) => {
  const hook = make('series');
  hook.tap({ plugin: 'a' }, () => Promise.reject(new Error('first')));
  hook.tap({ plugin: 'b' }, () => t.fail());
  await t.throwsAsync(run(hook, 'series'), { message: /first/ });
});

test('parallel: waits for all, then throws every failure together', async (t) => {
  const hook = createHook(parallel<object>(''), settings);
  let ended = false;
  hook.tap({ plugin: 'a' }, () => { throw new Error('one'); });
  hook.tap({ plugin: 'b' }, async () => {
    await new Promise((resolve) => setImmediate(resolve));
    ended = true;
  });
  hook.tap({ plugin: 'c' }, async () => Promise.reject(new Error('two')));
  const error = await t.throwsAsync<CoreError>(Promise.resolve(hook.run({})), { code: 'E_HOOK' });
  t.true(ended);
  t.true(error?.cause instanceof AggregateError);
  t.deepEqual(error?.issues.map(({ path }) => path), ['container.assemble (a)', 'container.assemble (c)']);
});

test('pair: a failure undoes the earlier taps in reverse, whatever the undos do', async (t) => {
  const hook = make('pair');
  const seen: string[] = [];
  hook.tap({ plugin: 'a' }, () => () => void seen.push('undo a'));
  hook.tap({ plugin: 'b', name: 'bad' }, () => () => {
    seen.push('undo b');
    throw new Error('stuck');
  });
  hook.tap({ plugin: 'c' }, () => Promise.reject(new Error('no room')));
  const error = await t.throwsAsync<CoreError>(run(hook, 'pair'), { code: 'E_HOOK', message: /no room/ });
  t.deepEqual(seen, ['undo b', 'undo a']);
  t.is(error?.step, 'container.assemble (c)');
  t.deepEqual(error?.issues.map(({ path }) => path), ['container.assemble undo (b/bad)']);
});

test('pair: an undo that never returns holds up nothing for longer than the deadline', async (t) => {
  const hook = make('pair');
  const seen: string[] = [];
  hook.tap({ plugin: 'a' }, () => () => void seen.push('undo a'));
  hook.tap({ plugin: 'b' }, () => () => never);
  const undo = (await run(hook, 'pair')) as () => Promise<void>;
  const error = await t.throwsAsync<CoreError>(undo(), { code: 'E_HOOK' });
  t.regex(error?.issues[0]?.path ?? '', /\(b\)/);
  t.deepEqual(seen, ['undo a']);
});

test('pair: what a tap did after it was given up is undone too', async (t) => {
  const hook = make('pair');
  let finish = (_undo: () => void): void => {};
  hook.tap({ plugin: 'a' }, () => new Promise((resolve) => (finish = resolve)));
  await t.throwsAsync(run(hook, 'pair'), { code: 'E_TIMEOUT' });
  t.is(await new Promise((undone) => finish(() => undone('undone'))), 'undone');
});

test('a signal that outlives many runs keeps no listener of theirs', async (t) => {
  const hook = make('series');
  hook.tap({ plugin: 'a' }, async (...values) => void (values.at(-1) as { signal: AbortSignal }).signal.aborted);
  const abort = new AbortController();
  let listening = 0;
  const { signal } = abort;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listening++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listening--;
    removeEventListener.apply(signal, args);
  };
  for (let index = 0; index < 10; index++) await run(hook, 'series', signal);
  t.is(listening, 0);
});
