/** The kernels that something else is done on, and the tests that touch what they lack. Comes in: nothing. Goes out: the table. Called by the tier, which runs those tests beneath each. */
export interface Denial {
  readonly rules: readonly string[];
  /** Files below `test/dist`. */
  readonly touched: readonly string[];
}

const BIRTH = ['fallbacks/beneath/birth.test.js', 'e2e/executor/life.test.js', 'e2e/executor/once.test.js', 'e2e/options/namespaces.test.js', 'e2e/oci/exec.test.js'];

export const denials: readonly Denial[] = [
  { rules: ['clone3=ENOSYS'], touched: BIRTH },
  // What a kernel says that knows a shorter struct.
  { rules: ['into-group=E2BIG'], touched: BIRTH },
  { rules: ['close_range=ENOSYS'], touched: ['fallbacks/beneath/descriptors.test.js', 'e2e/executor/once.test.js', 'e2e/oci/exec.test.js', 'e2e/images/executor.test.js'] },
];
