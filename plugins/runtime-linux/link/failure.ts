/** What C could not do, as an error of ours. Called by `connection.ts` and by everything that asks the executor. */
import { constants } from 'node:os';
import { CoreError, toCoreError, type ErrorObject } from '@core/core/plugin';
import { lackHint } from '../lacks.js';
import type { StepFailure } from '../protocol.js';

/** The raw answer; `asCoreError` gives it a code once it is known what it was about. */
export class StepError extends Error {
  override readonly name = 'StepError';
  readonly failure: StepFailure;
  readonly errno: string;

  constructor(body: unknown) {
    const failure = { step: '', index: -1, errno: 0, message: 'no reason given', ...(body as Partial<StepFailure>) };
    super(failure.message);
    this.failure = failure;
    this.errno = errnoName(failure.errno);
  }
}

const hints: Readonly<Record<string, string>> = {
  'tree EINVAL': 'The file system of that folder cannot be idmapped; leave the user namespace out, or use another file system.',
  'tree ENOENT': 'The source of a bind mount must exist on this machine.',
  'rlimit EPERM': 'A hard limit above the inherited one takes CAP_SYS_RESOURCE.',
  'oom EACCES': 'A negative oomScoreAdj takes CAP_SYS_RESOURCE.',
};

/** `command` is argv[0], for the words of E_COMMAND. */
export function asCoreError(thrown: unknown, { object, command = 'the command' }: { readonly object?: ErrorObject; readonly command?: string | undefined } = {}): CoreError {
  if (!(thrown instanceof StepError)) return toCoreError(thrown);
  const { failure, errno } = thrown;
  const about = { object, errno, step: failure.step, cause: thrown };
  if (failure.step === 'exec' && (errno === 'ENOENT' || errno === 'EACCES')) {
    const why = errno === 'ENOENT' ? 'not found in the container' : 'not executable';
    return new CoreError('E_COMMAND', { message: `${command}: ${why}`, ...about });
  }
  if (errno === 'ECANCELED') return new CoreError('E_ABORTED', { message: 'the operation was aborted', ...about });
  if (errno === 'EBUSY' && failure.step === 'start') return new CoreError('E_EXISTS', { message: failure.message, ...about });
  const where = failure.index >= 0 ? `step ${failure.index} (${failure.step})` : failure.step;
  const lack = lackHint(failure.step, errno);
  if (lack !== undefined) return new CoreError('E_UNSUPPORTED', { message: `${where}: ${failure.message} (${errno})`, hint: lack, ...about });
  return new CoreError('E_SETUP', { message: `${where}: ${failure.message} (${errno})`, hint: hints[`${failure.step} ${errno}`], ...about });
}

const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

export function errnoName(number: number): string {
  return names.get(number) ?? `E${number}`;
}
