/** What must, and what must not, compile for those who declare, run and tap hooks inside the core. Nothing here runs. */
import type { Undo } from '#core/hooks/index.js';
import { claim, createHook, pair, parallel, reduce, series } from '#core/hooks/index.js';
import type { Kernel } from '#core/kernel/index.js';
import type { Oci, Runtime } from '#core/contracts/index.js';
import { Runtime as RuntimeContract } from '#core/contracts/index.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_equal: Equal<A, B>): void {}

const settings = { name: 'life.hook' };
const inTurn = createHook(series<{ id: string }>(''), settings);
const atOnce = createHook(parallel<{ id: string }>(''), settings);
const claimed = createHook(claim<{ id: string }, number>(''), settings);
const reduced = createHook(reduce<string, { id: string }>(''), settings);
const paired = createHook(pair<{ id: string }>(''), settings);

same<ReturnType<typeof inTurn.run>, Promise<void> | undefined>(true);
same<ReturnType<typeof atOnce.run>, Promise<void> | undefined>(true);
same<ReturnType<typeof claimed.run>, Promise<number | undefined> | undefined>(true);
same<ReturnType<typeof reduced.run>, Promise<string> | string>(true);
same<ReturnType<typeof paired.run>, Promise<Undo> | Undo>(true);

// @ts-expect-error the payload is typed
void inTurn.run({ name: 'x' });
// @ts-expect-error reduce wants a value and its context
void reduced.run('value');
// @ts-expect-error a tap says whose it is
inTurn.tap({}, () => {});
// @ts-expect-error a claim answers with its result or nothing
claimed.tap({ plugin: 'a' }, () => 'one');
// @ts-expect-error a parallel tap answers with nothing
atOnce.tap({ plugin: 'a' }, () => 1);
// @ts-expect-error no numbers
inTurn.tap({ plugin: 'a', before: 1 }, () => {});

declare const kernel: Kernel;
same<ReturnType<typeof kernel.port<Runtime>>, Runtime>(true);
const runtime = kernel.port(RuntimeContract);
same<typeof runtime, Runtime>(true);
// @ts-expect-error ports come by contract, never by name
kernel.port('runtime@1');
// @ts-expect-error no such hook
void kernel.hooks.container.nope;
kernel.hooks.container.spec.tap({ plugin: 'core' }, (spec) => {
  same<typeof spec, Oci.Spec>(true);
  return spec;
});
