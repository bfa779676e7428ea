#!/usr/bin/env core
/**
 * Code that nobody trusts. It gets 32 MiB, 16 processes, one core, two seconds, no network, no privileges, and a file
 * system it cannot write. What it tries, and how far it gets:
 *
 *   core scripts/examples/untrusted.mts
 */
import { $, isCoreError } from '@core/sdk';

const sandbox = $({ memory: '32m', pids: 16, cpus: 1, readonly: true, user: '65534:65534', timeout: '2s', prefix: '' });

const attempts = {
  'print something': () => sandbox`echo harmless`,
  'read the password hashes': () => sandbox`grep root: /etc/shadow`,
  'write to the system': () => sandbox`touch /etc/owned`,
  'see a network': () => sandbox`ls /sys/class/net | grep -v '^lo$'`,
  'become root': () => sandbox`setpriv --reuid=0 true`,
  'take all memory': () => sandbox`head -c 64m /dev/zero | tail -n 1`,
  'fork without end': () => sandbox`while :; do sleep 10 & done`,
  'never end': () => sandbox`while :; do :; done`,
};

for (const [attempt, run] of Object.entries(attempts)) {
  const outcome = await run().then(
    ({ stdout }) => `allowed: ${stdout.trim()}`,
    (error: unknown) => (isCoreError(error, 'E_TIMEOUT') ? 'stopped after two seconds' : 'denied'),
  );
  console.log(`${attempt.padEnd(26)} ${outcome}`);
}
