#!/usr/bin/env core
/**
 * A service: start it, wait until its log says that it is ready, look inside while it runs, stop it, read what it said last.
 *
 *   core scripts/examples/service.mts
 */
import { run } from '@core/sdk';

const program = `
  trap 'echo "shutting down"; exit 0' TERM
  echo "warming up" >&2
  sleep 0.2
  echo "ready to serve"
  while :; do sleep 0.1; done
`;

await using service = await run('host', { name: 'service', command: ['sh', '-c', program], memory: '32m', init: true });

for await (const { stream, line } of service.logs({ follow: true })) {
  console.log(`${stream}: ${line}`);
  if (line.startsWith('ready')) break;
}

const { memory, pids } = await service.stats();
console.log(`uses ${memory.usage < 32 * 1024 ** 2 ? 'less' : 'more'} memory than its limit, and ${pids.current > 0 ? 'some' : 'no'} processes`);
console.log(`answers from ${await service.$`hostname`}`);

const { exitCode } = await service.stop({ grace: '5s' });
const [last] = await service.logs({ tail: 1 }).lines();
console.log(`said "${last}" and ended with ${exitCode}`);
