/** Rows: the command line from a cold shell, against an empty program in the same Node. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { byTurns, timed } from '../stats.mjs';

const core = join(import.meta.dirname, '..', '..', '..', 'core', 'bin', 'core.mjs');
const BUDGET_MS = 150;
const TIMES_NODE = 3;

export const rows = [{ name: 'ps-cold', unit: 'ms', limit: TIMES_NODE, measure: ps }];

/** At most 150 ms, or three times an empty program, whichever is more; the ratio is the latter's. */
async function ps(harness) {
  const n = harness.times(100);
  const { end, socket } = await served(harness);
  try {
    const program = (...args) => timed(() => ended(spawn(process.execPath, args, { stdio: 'ignore', env: { ...process.env, CORE_SOCK: socket } })));
    const medians = await byTurns({ ours: () => program(core, 'ps'), peer: () => program('-e', '0'), n });
    return { ...medians, limit: Math.max(TIMES_NODE, BUDGET_MS / medians.peer), n, peerName: 'node -e 0' };
  } finally {
    await end();
  }
}

async function served({ folder }) {
  const [root, runRoot] = ['served-root', 'served-run'].map((name) => join(folder, name));
  for (const path of [root, runRoot]) mkdirSync(path);
  const set = join(folder, 'served.json');
  writeFileSync(set, JSON.stringify({ plugins: ['@core/runtime-linux', '@core/image-oci'], serve: true, root, runRoot }));
  const child = spawn(process.execPath, [core, 'run', set], { stdio: 'ignore' });
  const socket = join(runRoot, 'core.sock');
  for (let tries = 0; ; tries++) {
    const status = await ended(spawn(process.execPath, [core, 'ps'], { stdio: 'ignore', env: { ...process.env, CORE_SOCK: socket } })).catch(() => 1);
    if (status === 0) break;
    if (tries > 20 || child.exitCode !== null) throw new Error('`core run` with "serve" did not come up');
    await sleep(250);
  }
  const end = async () => {
    const over = once(child, 'exit');
    child.kill('SIGTERM');
    await over;
  };
  return { end, socket };
}

async function ended(child) {
  const [status] = await once(child, 'exit');
  if (status !== 0) throw new Error(`exit code ${status}`);
  return status;
}
