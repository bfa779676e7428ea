/**
 * One call of one tap. Comes in: a tap and what it is called with. Goes out: its answer, or a `CoreError` that names hook and
 * plugin: `E_HOOK` when it threw, `E_TIMEOUT` when it never answered, `E_ABORTED` when the operation was. Called by
 * `kinds.ts` for every tap of every run.
 */
import { bounded, isThenable, LinkedSignal } from '../async/index.js';
import { CoreError } from '../errors/index.js';
import type { TapCall } from './declare.js';

export interface TapRun {
  /** `container.spec`. */
  readonly hook: string;
  /** Milliseconds the tap has. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

/** `late` frees what a tap that was given up brings after all. */
export async function invokeTap<Answer>(label: string, run: TapRun, work: TapWork<Answer>): Promise<Answer> {
  const step = `${run.hook} (${label})`;
  const linked = new LinkedSignal(run.signal);
  let givenUp: CoreError | undefined;
  try {
    const answer = work.start(tapCall(linked));
    if (!isThenable(answer)) return answer;
    return await bounded(answer, {
      what: `hook ${run.hook}: ${label}`,
      deadline: run.deadline,
      signal: run.signal,
      late: work.late,
      onGivenUp: (reason) => {
        givenUp = reason;
        linked.abort(reason);
      },
    });
  } catch (error) {
    if (run.signal?.aborted) throw new CoreError('E_ABORTED', { message: `hook ${step} was aborted`, step, cause: error });
    if (givenUp) throw new CoreError('E_TIMEOUT', { message: givenUp.message, step, cause: error });
    throw new CoreError('E_HOOK', { message: `hook ${step}: ${error instanceof Error ? error.message : String(error)}`, step, cause: error });
  } finally {
    linked.release();
  }
}

export interface TapWork<Answer> {
  start(call: TapCall): Answer | PromiseLike<Answer>;
  readonly late?: ((answer: Answer) => void) | undefined;
}

function tapCall(linked: LinkedSignal): TapCall {
  return {
    get signal() {
      return linked.signal;
    },
  };
}
