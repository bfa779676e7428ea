/** How a test that wants more than a machine may have is declared. Comes in: what is lacking, if anything. Goes out: ava's `test`, or its `skip`. */
import test from 'ava';

/** With CI=true the test runs all the same, and fails: what is listed must be there. Elsewhere it is skipped, and the reason said once. */
export function declareUnless(lacking: string | undefined): typeof test.serial | typeof test.skip {
  if (lacking === undefined || process.env['CI'] === 'true') return test.serial;
  console.error(`skipped: ${lacking}`);
  return test.skip;
}
