/** Runs a program that writes TAP. Comes in: a tier's name and how to start the program. Goes out: what is worth showing, on stdout, and the counts. Called by test.mjs and the tier of v2. */
import { TapReader } from './tap.mjs';

/** `child`'s stdout is a pipe. `all` shows every test. `complaint` has words for what went wrong besides the tests, once it has ended. */
export async function runTap(name, { child, all = false, complaint = () => undefined }) {
  const began = Date.now();
  const reader = new TapReader({ all });
  child.stdout.setEncoding('utf8');
  for await (const text of child.stdout) for (const line of reader.read(text)) console.log(`${name}: ${line}`);
  const status = child.exitCode ?? child.signalCode ?? (await new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal))));
  const { passed, failed, skipped } = reader.counts;
  const said = complaint(status);
  if (said) console.log(`${name}: ${said}`);
  // What a test file did before or after its tests has no line of its own, only the exit code.
  const unseen = (status !== 0 || said !== undefined) && failed === 0 ? 1 : 0;
  console.log(`${name}: ${passed} passed, ${failed + unseen} failed, ${skipped} skipped in ${Math.round((Date.now() - began) / 1000)} s`);
  return { passed, failed: failed + unseen, skipped };
}
