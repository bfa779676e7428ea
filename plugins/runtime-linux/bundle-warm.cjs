/**
 * Writes what V8 compiles the bundle of `core-oci` to. Comes in: the bundle. Goes out: the file that `bin/core-oci.cjs` looks for. Called by `bundle.mjs`.
 *
 * V8 keeps what has run, so the commands are called, on a root and a bundle that are not there, and a creation is computed: nothing is changed.
 */
'use strict';
const { mkdirSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { load, bundle } = require('./bin/core-oci.cjs');

const { script, main, rehearsal } = load();
const nowhere = `${bundle}.nowhere`;

/** They fail, and say so to nobody. */
const calls = [['state', 'x'], ['start', 'x'], ['kill', 'x'], ['delete', '--force', 'x'], ['create', '--bundle', nowhere, 'x'], ['exec', 'x', 'true']];

warm().then(() => writeFileSync(`${bundle}.v8`, script.createCachedData()));

async function warm() {
  for (const call of calls) await main([process.execPath, 'core-oci', '--root', nowhere, '--log', '/dev/null', ...call]);
  const folder = mkdtempSync(join(tmpdir(), 'core-oci-'));
  try {
    const { rehearse, rehearsedConfig } = await rehearsal();
    mkdirSync(join(folder, 'rootfs'));
    writeFileSync(join(folder, 'config.json'), JSON.stringify(rehearsedConfig()));
    rehearse(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
