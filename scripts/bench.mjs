#!/usr/bin/env node
/**
 * Measures us against the peers, in the same run, by turns. Called by `npm run bench [-- --json FILE] [-- NAME...]`; a NAME picks the
 * rows that begin with it. Goes out: a table, the rows as JSON, exit code 1 when a ratio passes its limit.
 *
 * A row: { name, ours, peer, peerName, ratio, limit, unit, n }. `ours` and `peer` are medians over `n`, less is better, `ratio` is
 * ours / peer. A row without a limit is for information. `peer` is null, with a `note`, where the peer cannot run.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Harness } from './bench/harness.mjs';
import * as cli from './bench/rows/cli.mjs';
import * as engines from './bench/rows/engines.mjs';
import * as exec from './bench/rows/exec.mjs';
import * as memory from './bench/rows/memory.mjs';
import * as oci from './bench/rows/oci.mjs';
import * as run from './bench/rows/run.mjs';

const measurements = [...run.rows, ...exec.rows, ...memory.rows, ...cli.rows, ...oci.rows, ...engines.rows];

process.exitCode = await main();

async function main() {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'string' }, n: { type: 'string' } } });
  const chosen = measurements.filter(({ name }) => positionals.length === 0 || positionals.some((start) => name.startsWith(start)));
  if (chosen.length === 0) {
    console.error(`bench: no such row; there are ${measurements.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  if (process.getuid() !== 0) {
    console.error('bench: containers with limits want root');
    return 2;
  }
  const rows = await measureAll(chosen, values.n === undefined ? undefined : Number(values.n));
  if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
  return rows.some(passesLimit) ? 1 : 0;
}

async function measureAll(chosen, n) {
  const harness = new Harness(n);
  const rows = [];
  try {
    console.log(line({ name: 'name', ours: 'ours', peer: 'peer', unit: '', ratio: 'ratio', limit: 'limit', peerName: '', note: '' }));
    for (const { measure, ...about } of chosen) {
      const row = { ...about, ...(await measured(measure, harness)) };
      const { name, ours = null, peer = null, peerName = null, limit = null, unit, n: count = 0, note } = row;
      const ratio = ours !== null && peer ? ours / peer : null;
      rows.push({ name, ours, peer, peerName, ratio, limit, unit, n: count, ...(note && { note }) });
      console.log(line(rows.at(-1)));
    }
  } finally {
    await harness.close();
  }
  return rows;
}

/** What cannot be measured says why and does not keep the others from being measured. */
async function measured(measure, harness) {
  try {
    return await measure(harness);
  } catch (error) {
    return { ours: null, peer: null, note: `not measured: ${error instanceof Error ? error.message.trim().split('\n')[0] : error}`, failed: true };
  }
}

/** A limit that could not be looked at for a fault of ours counts as passed over; a peer that is not there does not. */
function passesLimit({ limit, ratio, ours }) {
  return limit !== null && (ours === null || (ratio !== null && ratio > limit));
}

function line({ name, ours, peer, ratio, limit, unit, peerName, n, note }) {
  const over = passesLimit({ limit: typeof limit === 'number' ? limit : null, ratio, ours }) ? 'OVER' : '';
  return [
    String(name).padEnd(22), show(ours).padStart(10), show(peer).padStart(10), String(unit).padEnd(8), show(ratio).padStart(7), show(limit).padStart(7),
    over.padEnd(5), [peerName && `against ${peerName}`, n && `n = ${n}`, note].filter(Boolean).join(', '),
  ].join(' ').trimEnd();
}

function show(value) {
  if (typeof value === 'string') return value;
  return value === null || value === undefined ? '-' : value.toPrecision(value >= 1000 ? 4 : 3);
}
