/** The kernels that something else is done on, and the tests that touch what they lack. Comes in: nothing. Goes out: the table. Called by the tier, which runs those tests beneath each. */
export interface Denial {
  readonly rules: readonly string[];
  /** Folders and files below `test/dist/e2e`. */
  readonly touched: readonly string[];
}

const BIRTH = ['executor/life.test.js', 'executor/once.test.js', 'options/limits.test.js', 'options/namespaces.test.js', 'oci/exec.test.js'];

export const denials: readonly Denial[] = [
  { rules: ['clone3=ENOSYS'], touched: BIRTH },
  // What a kernel says that knows a shorter struct.
  { rules: ['into-group=E2BIG'], touched: BIRTH },
  { rules: ['close_range=ENOSYS'], touched: ['executor/once.test.js', 'oci/exec.test.js', 'oci/hooks.test.js', 'images/executor.test.js'] },
];
