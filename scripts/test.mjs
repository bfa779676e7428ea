#!/usr/bin/env node
/**
 * Runs every check there is: lint, the shape of the tree, unit tests, the tests of ordinary users' kernels, and as root all others with real containers. Called by
 * `npm test`, which takes the names of tiers (`npm test -- unit`; `crash` and `asan` run when named). The last line says how many passed, failed and were skipped.
 *
 * With CI=true nothing may be skipped that the machine was set up for: a tier that cannot run is a failure there.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fallbacks, lacksFallbacks } from './fallbacks/tier.mjs';
import { asOrdinaryUser } from './lib/ordinary-user.mjs';
import { runTap } from './lib/run-tap.mjs';
import { lacksV2, v2 } from './v2/tier.mjs';

const root = join(import.meta.dirname, '..');
const bin = (name) => join(root, 'node_modules', '.bin', name);
const inCi = process.env.CI === 'true';

const e2e = ['--tap', '--config', 'ava.e2e.config.mjs'];
const sanitized = join(root, 'plugins', 'runtime-linux', 'executor', 'build', 'core-executor-asan');

const tiers = {
  lint: () => command('oxlint', bin('oxlint'), ['--config', '.oxlintrc.json', '--deny-warnings']),
  tree: () => command('tree', process.execPath, ['scripts/check-tree.mjs']),
  docs: () => command('docs', process.execPath, ['scripts/docs.mjs', '--check']),
  unit: () => ava('unit', ['--tap']),
  e2e: () => asRoot('e2e', () => ava('e2e', e2e)),
  rootless,
  // The options once more, on a whole distribution.
  debian: () => asRoot('debian', () => {
    if (spawnSync('mmdebstrap', ['--version']).status !== 0) return skip('debian', 'mmdebstrap, which makes the tree, is not installed');
    return ava('debian', [...e2e, 'test/dist/e2e/options/**'], { env: { E2E_IMAGE: 'debian' } });
  }),
  // One line each, whatever became of it.
  escapes: () => asRoot('escapes', () => ava('escapes', ['--tap', '--config', 'ava.escapes.config.mjs'], { all: true })),
  // Kernels that lack something.
  fallbacks: () => asRoot('fallbacks', () => {
    const reason = lacksFallbacks();
    return reason ? skip('fallbacks', reason) : fallbacks('fallbacks');
  }),
  // Other engines that drive `core-oci`.
  peers: () => asRoot('peers', () => ava('peers', ['--tap', '--config', 'ava.peers.config.mjs'])),
  // Those that want cgroup v2 alone, on a machine that has nothing else.
  v2: () => asRoot('v2', () => {
    const reason = lacksV2();
    return reason ? skip('v2', reason) : v2('v2');
  }),
};

/** Run when named. */
const more = {
  crash: () => asRoot('crash', () => ava('crash', [...e2e, 'test/dist/e2e/crash.test.js'])),
  asan: () => asRoot('asan', async () => {
    const built = await command('asan build', process.execPath, ['plugins/runtime-linux/executor/build.mjs', '--sanitize']);
    if (built.failed > 0) return built;
    return ava('asan', e2e, { env: { CORE_EXECUTOR: sanitized, ASAN_OPTIONS: 'abort_on_error=1:detect_leaks=1' } });
  }),
};

process.exitCode = await main(process.argv.slice(2));

async function main(names) {
  const known = { ...tiers, ...more };
  const unknown = names.filter((name) => !Object.hasOwn(known, name));
  if (unknown.length > 0) {
    console.error(`test: no such tier: ${unknown.join(', ')}; there are ${Object.keys(known).join(', ')}`);
    return 2;
  }
  dropStaleTests(join(root, 'test', 'dist'), join(root, 'test'));
  const sum = { passed: 0, failed: 0, skipped: 0 };
  add(sum, await command('build', process.execPath, ['scripts/build.mjs']));
  if (sum.failed === 0) {
    for (const name of names.length > 0 ? names : Object.keys(tiers)) add(sum, await known[name]());
  }
  console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
  return sum.failed > 0 ? 1 : 0;
}

/** A tool that says all by its exit code counts as one test. */
function command(name, program, args) {
  const { status } = spawnSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  console.log(`${name}: ${status === 0 ? 'passed' : 'FAILED'}`);
  return { passed: Number(status === 0), failed: Number(status !== 0), skipped: 0 };
}

/** Root makes the images first: the user cannot write where they are kept. */
async function rootless() {
  if (process.getuid() === 0) {
    const made = spawnSync(process.execPath, ['--input-type=module', '-e', "(await import('./test/dist/helpers/images.js')).ociLayout()"], { cwd: root, stdio: 'inherit' });
    if (made.status !== 0) return skip('rootless', 'the images could not be made: busybox, cc, umoci and skopeo are wanted');
  }
  const sum = { passed: 0, failed: 0, skipped: 0 };
  add(sum, await asUser('rootless', { files: [] }));
  // Once more what is about limits, for a user to whom groups are delegated.
  if (process.getuid() === 0) add(sum, await asUser('rootless, delegated', { files: ['test/dist/rootless/*.test.js', 'test/dist/e2e/sdk/*.test.js'], delegated: true }));
  return sum;
}

async function asUser(name, { files, delegated = false }) {
  const { program, args, env, done } = asOrdinaryUser(root, ['node_modules/ava/entrypoints/cli.mjs', '--tap', '--config', 'ava.rootless.config.mjs', ...files], { delegated });
  try {
    return await ava(name, args, { env: { E2E_USER: 'ordinary', ...(delegated && { E2E_DELEGATED: 'yes' }), ...env }, program });
  } finally {
    done();
  }
}

function ava(name, args, { env = {}, all = false, program = bin('ava') } = {}) {
  return runTap(name, { all, child: spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, FORCE_COLOR: '0', ...env } }) });
}

function asRoot(name, run) {
  return process.getuid() === 0 ? run() : skip(name, 'real namespaces and cgroups want root');
}

function skip(name, reason) {
  console.log(`${name}: ${inCi ? 'FAILED' : 'skipped'}: ${reason}`);
  return { passed: 0, failed: Number(inCi), skipped: Number(!inCi) };
}

function add(sum, counts) {
  for (const key of Object.keys(sum)) sum[key] += counts[key];
}

/** tsc leaves the output of a test whose source is gone, and ava would go on running it. */
function dropStaleTests(built, source) {
  if (!existsSync(built)) return;
  for (const entry of readdirSync(built, { withFileTypes: true })) {
    const path = join(built, entry.name);
    if (entry.isDirectory()) dropStaleTests(path, join(source, entry.name));
    else if (entry.name.endsWith('.test.js') && !existsSync(join(source, entry.name.replace(/\.js$/, '.ts')))) rmSync(path);
  }
}
