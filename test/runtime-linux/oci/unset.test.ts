/** Zeros that mean nothing, in the resources of a config.json. */
import test from 'ava';
import { withoutUnset } from '#runtime-linux/oci/unset.js';

test('what docker writes for no limit is no limit', (t) => {
  t.deepEqual(withoutUnset({ blockIO: { weight: 0 }, cpu: { shares: 0, quota: 0, cpus: '0' }, memory: { limit: 0, swap: 0 } }), { blockIO: {}, cpu: { cpus: '0' }, memory: {} });
});

test('all else stays as it is, zeros that say something too', (t) => {
  const resources = { memory: { limit: 64, swappiness: 0 }, pids: { limit: 0 }, cpu: { idle: 0 }, devices: [{ allow: false, access: 'rwm' }] };
  t.deepEqual(withoutUnset(resources), resources);
});
