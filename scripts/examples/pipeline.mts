#!/usr/bin/env core
/**
 * A pipeline over three containers with different rights: bytes flow at the pace of the slowest, and when the last one has
 * enough, the first one is stopped.
 *
 *   core scripts/examples/pipeline.mts
 */
import { $, run } from '@core/sdk';

await using source = await run('host', { readonly: true });
await using filter = await run('host', { memory: '32m' });

const primes = await source.$`seq 2 100000`.pipe(filter.$`factor | awk 'NF == 2 { print $2 }'`).pipe($`tail -n 3`);
console.log(`the largest primes below 100000: ${primes.lines().join(', ')}`);

// Without end, were it not for the reader.
const [first, second] = await source.$`yes ${'on and on'}`.pipe(filter.$`cat -n`).pipe`head -n 2`.lines();
console.log(`${first?.trim()}\n${second?.trim()}`);
