/**
 * The tier of kernels that lack something: what is refused there by name, and what is done without, which is tried by the tests that touch it, beneath a filter that takes
 * it away. Comes in: the tier's name; `FALLBACKS=all` runs every end-to-end test beneath each denial, which takes as often as long as they do. Goes out: the counts.
 * Called by test.mjs.
 */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { runTap } from '../lib/run-tap.mjs';

const tree = join(import.meta.dirname, '..', '..');
const CONFIG = ['--tap', '--config', 'ava.fallbacks.config.mjs'];

/** Why the tier cannot run here; undefined when it can. */
export function lacksFallbacks() {
  if (!['x64', 'arm64'].includes(process.arch)) return `the program that denies knows no filter for ${process.arch}`;
  return spawnSync('cc', ['--version']).status === 0 ? undefined : 'not installed: gcc, which builds the program that denies';
}

export async function fallbacks(name) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  const add = (counts) => Object.keys(sum).forEach((key) => (sum[key] += counts[key]));
  add(await run(name, [process.execPath, ...words(['test/dist/fallbacks/*.test.js'])], true));
  const { denials } = await import('../../test/dist/fallbacks/denials.js');
  const { beneath } = await import('../../test/dist/fallbacks/deny.js');
  for (const { rules, touched } of denials) {
    const files = process.env.FALLBACKS === 'all' ? ['test/dist/fallbacks/beneath/*.test.js', 'test/dist/e2e/**/*.test.js'] : touched.map((file) => `test/dist/${file}`);
    const [program, args] = beneath(rules, [process.execPath, ...words(files)]);
    add(await run(`${name}, ${rules.join(' ')}`, [program, ...args]));
  }
  return sum;
}

function words(files) {
  return ['node_modules/ava/entrypoints/cli.mjs', ...CONFIG, ...files];
}

function run(name, [program, ...args], all = false) {
  const child = spawn(program, args, { cwd: tree, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, FORCE_COLOR: '0' } });
  return runTap(name, { child, all });
}
