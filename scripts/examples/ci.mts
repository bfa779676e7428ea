#!/usr/bin/env core
/**
 * A CI job. One container with limits sees the project read-only and works on a copy; steps run in order, and the first that
 * fails ends the job with its output.
 *
 *   core scripts/examples/ci.mts [FOLDER]
 */
import { ExitError, run } from '@core/sdk';

const project = process.argv[2] ?? import.meta.dirname;

await using job = await run('host', {
  mounts: [{ type: 'bind', source: project, target: '/project', readonly: true }],
  memory: '512m',
  cpus: 2,
  pids: 256,
});
const $ = job.$({ cwd: '/tmp/job', env: { CI: 'true' } });

const steps = {
  checkout: () => job.$`cp -r /project /tmp/job`,
  count: () => $`find . -name '*.mts' | wc -l`,
  lint: () => $`! grep -rnE '[[:space:]]+$' --include=*.mts .`,
  archive: () => $`tar -czf /tmp/out.tar.gz . && gzip -t /tmp/out.tar.gz && echo archived`,
};

for (const [name, step] of Object.entries(steps)) {
  try {
    const { stdout, duration } = await step();
    console.log(`ok    ${name.padEnd(10)} ${stdout.trim().padEnd(12)} ${duration.toFixed(0)} ms`);
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    console.error(`FAIL  ${name}: ${error.message}`);
    process.exitCode = 1;
    break;
  }
}
