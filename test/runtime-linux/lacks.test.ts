/** What a machine lacks, told from how the executor ended or which step failed. */
import test from 'ava';
import { endedAtOnce, lackHint } from '#runtime-linux/lacks.js';
import { asCoreError, StepError } from '#runtime-linux/link/failure.js';

const log = 'core-executor: of an earlier one: Success\ncore-executor: openat2 (Linux 5.6) cannot be called: Function not implemented\n';

const ends: ReadonlyArray<readonly [how: string | number, code: string, message: string, hint: RegExp]> = [
  [3, 'E_UNSUPPORTED', 'the executor cannot work here: openat2 (Linux 5.6) cannot be called: Function not implemented', /5\.12.*seccomp/],
  [4, 'E_UNSUPPORTED', 'the executor cannot work here: openat2 (Linux 5.6) cannot be called: Function not implemented', /user\.max_user_namespaces|kernel\.|CONFIG_USER_NS/],
  [1, 'E_EXECUTOR', 'the executor ended at once (code 1): openat2 (Linux 5.6) cannot be called: Function not implemented', /npm rebuild/],
  ['SIGKILL', 'E_EXECUTOR', 'the executor ended at once (SIGKILL): openat2 (Linux 5.6) cannot be called: Function not implemented', /npm rebuild/],
];
for (const [how, code, message, hint] of ends) {
  test(`an executor that ended with ${how} is ${code}`, (t) => {
    const error = endedAtOnce(how, log);
    t.like(error, { code, message });
    t.regex(error.hint, hint);
  });
}

test('an executor without words has none', (t) => t.is(endedAtOnce(1, '').message, 'the executor ended at once (code 1)'));

const steps: ReadonlyArray<readonly [step: string, errno: number, code: string]> = [
  ['kernel', 38, 'E_UNSUPPORTED'],
  ['fs', 19, 'E_UNSUPPORTED'],
  ['newuser', 1, 'E_UNSUPPORTED'],
  ['newuser', 28, 'E_UNSUPPORTED'],
  // A group that is not there, memory that is out: no lack of the kernel's.
  ['newuser', 2, 'E_SETUP'],
  ['newuser', 12, 'E_SETUP'],
  ['fs', 22, 'E_SETUP'],
  ['userns', 1, 'E_SETUP'],
  ['clone', 1, 'E_SETUP'],
];
for (const [step, errno, code] of steps) {
  test(`step ${step} that failed by errno ${errno} is ${code}`, (t) => {
    const error = asCoreError(new StepError({ step, errno, index: -1, message: 'words' }));
    t.is(error.code, code as typeof error.code);
    t.regex(error.message, /words/);
    t.is(lackHint(step, error.errno ?? '') !== undefined, code === 'E_UNSUPPORTED');
  });
}
