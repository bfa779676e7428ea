/**
 * What each kind of hook makes of its taps. Comes in: a kind and the taps in order. Goes out: one function that runs them.
 * Called by `live.ts` when its list of taps has changed.
 */
import { CoreError, toCoreError, type ErrorIssue } from '../errors/index.js';
import type { HookKind, Undo } from './declare.js';
import { invokeTap, type TapRun } from './invoke.js';
import { compileTaps } from './tapable.js';
import type { ListedTap } from './tap-list.js';

export type Runner = (first: unknown, context: unknown, signal: AbortSignal | undefined) => Promise<unknown>;

type Taps = ReadonlyArray<ListedTap<(...values: readonly unknown[]) => unknown>>;

interface HookFacts {
  readonly hook: string;
  readonly kind: HookKind;
  readonly deadline: number;
}

const settled = Promise.resolve();
export const nothingToUndo: Undo = () => settled;

export function compileRun(facts: HookFacts, taps: Taps): Runner {
  switch (facts.kind) {
    case 'parallel':
      return runParallel(facts, taps);
    case 'pair':
      return runPair(facts, taps);
    case 'reduce':
      return runReduce(facts, taps);
    case 'series':
    case 'claim':
      return runInTurn(facts, taps);
  }
}

function runInTurn(facts: HookFacts, taps: Taps): Runner {
  const compiled = compileTaps(
    facts.kind,
    taps.map(({ label, fn }) => ({ label, call: (payload, run) => invokeTap(label, run as TapRun, { start: (call) => fn(payload, call) }) })),
  );
  return async (payload, _context, signal) => {
    const answer = await compiled(payload, { ...facts, signal });
    return facts.kind === 'claim' ? answer : undefined;
  };
}

interface ReduceRun extends TapRun {
  readonly context: unknown;
}

function runReduce(facts: HookFacts, taps: Taps): Runner {
  const compiled = compileTaps(
    'reduce',
    taps.map(({ label, fn }) => ({
      label,
      call: (value, rest) => {
        const run = rest as ReduceRun;
        return invokeTap(label, run, { start: (call) => fn(value, run.context, call) });
      },
    })),
  );
  return (value, context, signal) => compiled(value, { ...facts, context, signal });
}

interface ParallelRun extends TapRun {
  readonly failures: CoreError[];
}

function runParallel(facts: HookFacts, taps: Taps): Runner {
  // tapable's parallel hook ends at the first failure; here it never sees one.
  const compiled = compileTaps(
    'parallel',
    taps.map(({ label, fn }) => ({
      label,
      call: async (payload, rest) => {
        const run = rest as ParallelRun;
        await invokeTap(label, run, { start: (call) => fn(payload, call) }).catch((error: unknown) => run.failures.push(toCoreError(error)));
      },
    })),
  );
  return async (payload, _context, signal) => {
    const failures: CoreError[] = [];
    await compiled(payload, { ...facts, signal, failures });
    if (failures.length > 0) throw together(facts.hook, failures, signal);
  };
}

interface PairRun extends TapRun {
  readonly undos: TapUndo[];
}

interface TapUndo {
  readonly label: string;
  readonly undo: () => unknown;
}

function runPair(facts: HookFacts, taps: Taps): Runner {
  const compiled = compileTaps(
    'pair',
    taps.map(({ label, fn }) => ({
      label,
      call: async (payload, rest) => {
        const run = rest as PairRun;
        const undo = await invokeTap(label, run, {
          start: (call) => fn(payload, call),
          // Given up, and yet it got there: what it did must not stay.
          late: (answer) => void unwind(facts, asUndos(label, answer)),
        });
        run.undos.push(...asUndos(label, undo));
      },
    })),
  );
  return async (payload, _context, signal) => {
    const undos: TapUndo[] = [];
    try {
      await compiled(payload, { ...facts, signal, undos });
    } catch (error) {
      throw withIssues(toCoreError(error), await unwind(facts, undos));
    }
    return undoOnce(facts, undos);
  };
}

function asUndos(label: string, answer: unknown): TapUndo[] {
  return typeof answer === 'function' ? [{ label, undo: answer as () => unknown }] : [];
}

function undoOnce(facts: HookFacts, undos: readonly TapUndo[]): Undo {
  let undone: Promise<void> | undefined;
  return () => {
    undone ??= unwind(facts, undos).then((failures) => {
      if (failures.length > 0) throw together(facts.hook, failures, undefined);
    });
    return undone;
  };
}

/** All of them, last first, whatever happens; an undo hears no abort, for it must run because of one. */
async function unwind({ hook, deadline }: HookFacts, undos: readonly TapUndo[]): Promise<CoreError[]> {
  const failures: CoreError[] = [];
  for (const { label, undo } of undos.toReversed()) {
    const run = { hook: `${hook} undo`, deadline, signal: undefined };
    await invokeTap(label, run, { start: () => undo() }).catch((error: unknown) => failures.push(toCoreError(error)));
  }
  return failures;
}

function together(hook: string, failures: readonly CoreError[], signal: AbortSignal | undefined): CoreError {
  const [first] = failures;
  const steps = failures.map(({ step }) => step).join(', ');
  const message = failures.length === 1 && first ? first.message : `hook ${hook}: ${failures.length} taps failed: ${steps}`;
  return new CoreError(signal?.aborted ? 'E_ABORTED' : 'E_HOOK', {
    message,
    step: steps,
    cause: new AggregateError(failures, message),
    issues: failures.map(asIssue),
  });
}

function withIssues(error: CoreError, failures: readonly CoreError[]): CoreError {
  if (failures.length === 0) return error;
  const { code, message, step, cause } = error;
  return new CoreError(code, { message: `${message}; ${failures.length} of the undos failed too`, step, cause, issues: failures.map(asIssue) });
}

function asIssue({ step, message }: CoreError): ErrorIssue {
  return { path: step ?? '', message };
}
