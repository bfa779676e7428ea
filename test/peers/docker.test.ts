/** dockerd drives `core-oci` by way of containerd and its shim. Needs docker. */
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { dockerArchive } from '../helpers/images.js';
import { Daemon } from './support/daemon.js';
import { RUNTIME, testsOf, type Answer, type Peer, type Place } from './support/peer.js';
import { eventually, limits, OBEDIENT, TERMINAL } from './support/scenes.js';

const docker = testsOf({ name: 'docker', tools: ['docker', 'dockerd', 'containerd'], setUp });
const IMAGE = 'busybox:latest';

interface Docker extends Peer {
  run(args: readonly string[]): Answer;
  onTerminal(args: readonly string[]): Answer;
  inspect(container: string, field: string): string;
}

async function setUp(place: Place): Promise<Docker> {
  const socket = `unix://${join(place.base, 'socket')}`;
  const config = join(place.base, 'daemon.json');
  writeFileSync(config, '{}');
  const folders = [`--config-file=${config}`, `--data-root=${place.folder('data')}`, `--exec-root=${place.folder('exec')}`, `--pidfile=${join(place.base, 'pid')}`];
  const network = ['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false'];
  const runtime = [`--add-runtime=core=${RUNTIME}`, '--default-runtime=core', `--cgroup-parent=${place.group}`, '--exec-opt=native.cgroupdriver=cgroupfs'];
  const env = { DOCKER_HOST: socket, DOCKER_CONFIG: place.folder('client') };
  const call = (args: readonly string[]): Answer => place.call('docker', args, { env });
  const daemon = await Daemon.start(place, ['dockerd', ...folders, `--host=${socket}`, '--group=root', '--storage-driver=vfs', ...network, ...runtime], {
    network: true,
    answers: () => call(['version']).status === 0,
  });
  const usual = ['run', '--network=none'];
  const peer: Docker = {
    state: join(place.base, 'exec', 'runtime-runc', 'moby'),
    call,
    run: (args) => call([...usual, ...args]),
    onTerminal: (args) => place.onTerminal('docker', [...usual, ...args], { env }),
    inspect: (container, field) => call(['inspect', '--format', `{{${field}}}`, container]).stdout.trim(),
    close: async () => {
      const left = call(['ps', '--all', '--quiet']).stdout.split('\n').filter(Boolean);
      if (left.length > 0) call(['rm', '--force', ...left]);
      await daemon.stop();
    },
  };
  const loaded = call(['load', '--quiet', '--input', dockerArchive().slice('docker-archive:'.length)]);
  if (loaded.status === 0) return peer;
  await peer.close();
  throw new Error(loaded.stderr);
}

docker('run gives the output and the status, and says what cannot be executed', (t, { run, call }) => {
  t.like(run(['--rm', IMAGE, 'sh', '-c', 'echo out; echo err >&2; exit 7']), { status: 7, stdout: 'out\n', stderr: 'err\n' });
  t.is(run(['--rm', IMAGE, '/no/such']).status, 127);
  t.is(run(['--rm', IMAGE, '/etc/passwd']).status, 126);
  t.is(call(['ps', '--all', '--quiet']).stdout, '');
});

docker('a container in the background: exec, logs, ps, inspect, stop, rm', async (t, { run, call, inspect }) => {
  t.is(run(['--detach', '--name=box', IMAGE, 'sh', '-c', OBEDIENT]).status, 0);
  t.is(await eventually(() => call(['logs', 'box']).stdout, (text) => text !== ''), 'started\n');
  t.like(call(['exec', 'box', 'sh', '-c', 'echo $FROM_IMAGE; exit 3']), { status: 3, stdout: 'yes\n' });
  t.is(call(['exec', '--user=app', 'box', 'id', '-un']).stdout, 'app\n');
  // Which of the two is for docker to say, and has changed with its versions.
  t.regex(String(call(['exec', 'box', '/no/such']).status), /^12[67]$/);
  t.is(call(['ps', '--format', '{{.Names}} {{.Image}}']).stdout, `box ${IMAGE}\n`);
  t.is(inspect('box', '.HostConfig.Runtime'), 'core');
  t.regex(call(['top', 'box', '-o', 'pid,args']).stdout, /\n\d+ +sh -c trap/);
  t.is(call(['stop', '--time=20', 'box']).status, 0);
  t.is(inspect('box', '.State.Status'), 'exited');
  t.is(inspect('box', '.State.ExitCode'), '9');
  t.is(call(['start', 'box']).status, 0, 'and once more');
  t.is(call(['rm', '--force', 'box']).status, 0);
  t.is(call(['ps', '--all', '--quiet']).stdout, '');
});

docker('limits are the container\'s, seen from both sides, and can be changed', (t, { run, call, inspect }) => {
  limits(t, { run, call, inspect }, { image: IMAGE, usage: /\/ 64MiB 1\n/, update: ['--memory=80m', '--memory-swap=80m'] });
});

docker('a terminal has the client\'s size', (t, { onTerminal }) => {
  const { status, stdout } = onTerminal(['--rm', '--interactive', '--tty', IMAGE, 'sh', '-c', TERMINAL]);
  t.regex(stdout, /\/dev\/pts\/0\n33 77\n/);
  t.is(status, 5);
});
