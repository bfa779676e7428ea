/** Numbers. Comes in: two things to measure. Goes out: their medians, measured by turns. Called by the rows. */
import { setTimeout as sleep } from 'node:timers/promises';

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Measures both in every round, who is first changing from round to round, so that what one leaves behind (the grace period of
 * a cgroup lock, dirty pages, a warm cache) does not fall on the same one each time. `settle` ms of quiet before each.
 */
export async function byTurns({ ours, peer, n, settle = 0, warmup = 5 }) {
  const taken = { ours: [], peer: [] };
  for (let round = -warmup; round < n; round++) {
    for (const side of round % 2 === 0 ? ['ours', 'peer'] : ['peer', 'ours']) {
      const measure = { ours, peer }[side];
      if (!measure) continue;
      if (settle > 0) await sleep(settle);
      const ms = await measure();
      if (round >= 0) taken[side].push(ms);
    }
  }
  return { ours: taken.ours.length ? median(taken.ours) : null, peer: taken.peer.length ? median(taken.peer) : null };
}

/** Milliseconds a promise takes. */
export async function timed(work) {
  const began = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - began) / 1e6;
}

/** Runs `total` pieces of work, `width` at a time; runs per second. */
export async function throughput(work, { total, width }) {
  let left = total;
  const lane = async () => {
    while (left-- > 0) await work();
  };
  const ms = await timed(() => Promise.all(Array.from({ length: width }, lane)));
  return (total / ms) * 1000;
}
