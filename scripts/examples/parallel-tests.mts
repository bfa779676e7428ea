#!/usr/bin/env core
/**
 * Tests in parallel, each shard in a container of its own: none sees what another writes. The first failure stops the rest.
 *
 *   core scripts/examples/parallel-tests.mts [SHARDS]
 */
import { $ } from '@core/sdk';

const shards = Number(process.argv[2] ?? 4);
const failed = new AbortController();
const isolated = $({ memory: '64m', pids: 32, signal: failed.signal });

async function test(shard: number): Promise<string> {
  try {
    // Every shard writes the same file: in one file system they would trip over each other.
    const [sum] = await isolated`echo ${shard} > /tmp/state; seq ${shard * 1000} | awk '{ s += $1 } END { print s }'; cat /tmp/state`.lines();
    return `shard ${shard}: sum ${sum}`;
  } catch (error) {
    failed.abort();
    throw error;
  }
}

const results = await Promise.all(Array.from({ length: shards }, (_, index) => test(index + 1)));
console.log(results.join('\n'));
console.log(`${results.length} shards passed`);
