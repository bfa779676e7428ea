/**
 * Writes what V8 compiles the bundle of `core-oci` to. Comes in: the bundle. Goes out: the file that `bin/core-oci.cjs` looks for. Called by `bundle.mjs`.
 *
 * V8 keeps what has run, so the commands are called, on a root and a bundle that are not there: they change nothing.
 */
'use strict';
const { writeFileSync } = require('node:fs');
const { load, bundle } = require('./bin/core-oci.cjs');

const { script, main } = load();
const nowhere = `${bundle}.nowhere`;

/** They fail, and say so to nobody. */
const calls = [['state', 'x'], ['start', 'x'], ['kill', 'x'], ['delete', '--force', 'x'], ['create', '--bundle', nowhere, 'x'], ['exec', 'x', 'true']];

warm().then(() => writeFileSync(`${bundle}.v8`, script.createCachedData()));

async function warm() {
  for (const call of calls) await main([process.execPath, 'core-oci', '--root', nowhere, '--log', '/dev/null', ...call]);
}
