/** Rows: a container that runs `true` and ends, through the SDK on a booted kernel, against a runtime that is a command. All namespaces, limits, seccomp, overlay on both sides. */
import { Absent, LIMITS, TRUE } from '../harness.mjs';
import { byTurns, throughput, timed } from '../stats.mjs';

const SETTLED = 150;

export const rows = [
  { name: 'run-settled', limit: 0.2, unit: 'ms', measure: (harness) => against('crun', harness, { settle: SETTLED }) },
  { name: 'run-back-to-back', limit: 0.4, unit: 'ms', measure: (harness) => against('crun', harness, {}) },
  { name: 'run-8-at-once', limit: 1 / 3, unit: 'ms/run', measure: manyAtOnce },
  { name: 'run-runc-settled', unit: 'ms', measure: (harness) => against('runc', harness, { settle: SETTLED }) },
];

/** What a run through the SDK takes, from the call to the exit status; the removal goes on behind it and is waited for after. */
export async function runner(harness) {
  const sdk = await harness.sdk();
  const options = { ...LIMITS, command: TRUE, log: null };
  return async () => {
    let container;
    const ms = await timed(async () => {
      container = await sdk.run(harness.image, options);
      const { exitCode } = await container.wait();
      if (exitCode !== 0) throw new Error(`true ended with ${exitCode}`);
    });
    await container.remove();
    return ms;
  };
}

async function against(name, harness, { settle = 0 }) {
  const n = harness.times(100);
  const ours = await runner(harness);
  const peer = await runtimeOrReason(name, harness);
  const medians = await byTurns({ ours, peer: peer.runtime && (() => peer.runtime.run()), n, settle });
  return { ...medians, n, peerName: `${name} run`, note: peer.note };
}

/** Removal counts here: at full load nothing can be put off. */
async function manyAtOnce(harness) {
  const width = 8;
  const total = harness.times(200);
  const sdk = await harness.sdk();
  const peer = await runtimeOrReason('crun', harness);
  const ourRun = async () => {
    const container = await sdk.run(harness.image, { ...LIMITS, command: TRUE, log: null });
    await container.wait();
    await container.remove();
  };
  const free = Array.from({ length: width }, (_, lane) => lane);
  const peerRun = async () => {
    const lane = free.pop();
    await peer.runtime.run(lane);
    free.push(lane);
  };
  const perRun = async (work) => 1000 / (await throughput(work, { total, width }));
  const rounds = 4;
  const medians = await byTurns({ ours: () => perRun(ourRun), peer: peer.runtime && (() => perRun(peerRun)), n: rounds, warmup: 1 });
  return { ...medians, n: rounds * total, peerName: 'crun run', note: peer.note };
}

export async function runtimeOrReason(name, harness) {
  try {
    const runtime = await harness.runtime(name);
    await runtime.run();
    return { runtime };
  } catch (error) {
    return { note: error instanceof Absent ? error.message : `${name} cannot run this here: ${error.message.split('\n')[0].slice(0, 200)}` };
  }
}
