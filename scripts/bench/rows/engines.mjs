/** Rows for information: whole engines, `podman run` and `docker run` without a network, in namespaces of their own with daemons of their own. */
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dockerArchive } from '../../../test/dist/helpers/images.js';
import { Absent } from '../harness.mjs';
import { findProgram } from '../peers.mjs';
import { byTurns } from '../stats.mjs';
import { runner } from './run.mjs';

const SETTLED = 150;
const LIMITS = ['--network=none', '--memory=256m', '--pids-limit=64', '--cpus=1'];

export const rows = [
  { name: 'run-podman-settled', unit: 'ms', measure: (harness) => against('podman run --rm', harness, podman) },
  { name: 'run-docker-settled', unit: 'ms', measure: (harness) => against('docker run --rm', harness, docker) },
];

async function against(peerName, harness, prepare) {
  const n = harness.times(100);
  const ours = await runner(harness);
  const { peer, note } = await prepare(harness).then((made) => ({ peer: made }), (error) => ({ note: `cannot run here: ${error.message.split('\n')[0].slice(0, 200)}` }));
  const medians = await byTurns({ ours, peer, n, settle: SETTLED, warmup: 2 });
  return { ...medians, n, peerName, note };
}

async function podman(harness) {
  const program = need('podman');
  const host = await harness.daemons();
  const folder = join(harness.folder, 'podman');
  const command = [program, '--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--tmpdir', join(folder, 'tmp'), '--cgroup-manager=cgroupfs', '--events-backend=none', '--storage-driver=overlay'];
  await host.time([...command, 'load', '--quiet', '--input', archive(folder)]);
  const run = () => host.time([...command, 'run', '--rm', ...LIMITS, '--ulimit=host', 'docker.io/library/busybox:latest', '/bin/true']);
  await run();
  return run;
}

async function docker(harness) {
  const [program, daemon] = [need('docker'), need('dockerd')];
  const host = await harness.daemons();
  const folder = join(harness.folder, 'docker');
  mkdirSync(folder);
  const command = [program, '--host', `unix://${join(folder, 'docker.sock')}`];
  void host.try([daemon, '--data-root', join(folder, 'root'), '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'pid'), '--host', `unix://${join(folder, 'docker.sock')}`, '--iptables=false', '--ip6tables=false', '--bridge=none', '--exec-opt=native.cgroupdriver=cgroupfs'], { background: true });
  for (let tries = 0; (await host.try([...command, 'version'])).status !== 0; tries++) {
    if (tries > 40) throw new Error('dockerd did not come up');
    await sleep(250);
  }
  await host.time([...command, 'load', '--quiet', '--input', archive(folder)]);
  const run = () => host.time([...command, 'run', '--rm', ...LIMITS, 'busybox:latest', '/bin/true']);
  await run();
  return run;
}

function need(name) {
  const path = findProgram(name);
  if (!path) throw new Absent(`${name} is not installed`);
  return path;
}

/** By a path without a colon in it. */
function archive(folder) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'image.tar');
  cpSync(dockerArchive().slice('docker-archive:'.length), path);
  return path;
}
