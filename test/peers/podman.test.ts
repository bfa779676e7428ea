/** podman drives `core-oci` by way of conmon. Needs podman. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ociArchive } from '../helpers/images.js';
import { RUNTIME, testsOf, type Answer, type Peer, type Place } from './support/peer.js';
import { eventually, limits, OBEDIENT, TERMINAL } from './support/scenes.js';

const podman = testsOf({ name: 'podman', tools: ['podman', 'conmon'], setUp });

/** Locks and events in files of the test's own; podman's usual limits are above what every machine allows. */
const CONFIG = '[engine]\nlock_type = "file"\nevents_logger = "file"\n[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]\n';

interface Podman extends Peer {
  readonly image: string;
  run(args: readonly string[]): Answer;
  onTerminal(args: readonly string[]): Answer;
  inspect(container: string, field: string): string;
}

async function setUp(place: Place): Promise<Podman> {
  const config = join(place.base, 'containers.conf');
  writeFileSync(config, CONFIG);
  const folders = [['root', 'root'], ['runroot', 'run'], ['tmpdir', 'libpod']].map(([flag, name]) => `--${flag}=${place.folder(name as string)}`);
  const flags = [...folders, '--storage-driver=vfs', '--cgroup-manager=cgroupfs', `--runtime=${RUNTIME}`];
  const env = { CONTAINERS_CONF: config };
  const call = (args: readonly string[]): Answer => place.call('podman', [...flags, ...args], { env });
  const usual = ['run', '--network=none', `--cgroup-parent=${place.group}`];
  const pulled = call(['pull', '--quiet', ociArchive()]);
  if (pulled.status !== 0) throw new Error(pulled.stderr);
  return {
    // What podman starts in the background to clean up does not get its --runtime-flag, so that the records are where they are by default.
    state: '/run/core-oci',
    image: pulled.stdout.trim(),
    call,
    run: (args) => call([...usual, ...args]),
    onTerminal: (args) => place.onTerminal('podman', [...flags, ...usual, ...args], { env }),
    inspect: (container, field) => call(['inspect', '--format', `{{${field}}}`, container]).stdout.trim(),
    close: async () => void call(['rm', '--all', '--force', '--time=0']),
  };
}

podman('run gives the output and the status, and says what cannot be executed', (t, { image, run, call }) => {
  t.like(run(['--rm', image, 'sh', '-c', 'echo out; echo err >&2; exit 7']), { status: 7, stdout: 'out\n', stderr: 'err\n' });
  t.is(run(['--rm', '-i', image, 'id', '-u']).stdout, '0\n');
  t.is(run(['--rm', image, '/no/such']).status, 127);
  t.is(run(['--rm', image, '/etc/passwd']).status, 126);
  t.is(call(['ps', '--all', '--quiet']).stdout, '');
});

podman('a container in the background: exec, logs, ps, inspect, stop, rm', async (t, { image, run, call, inspect }) => {
  t.is(run(['--detach', '--name=box', image, 'sh', '-c', OBEDIENT]).status, 0);
  t.is(await eventually(() => call(['logs', 'box']).stdout, (text) => text !== ''), 'started\n');
  t.like(call(['exec', 'box', 'sh', '-c', 'echo $FROM_IMAGE; exit 3']), { status: 3, stdout: 'yes\n' });
  t.is(call(['exec', '--user=app', 'box', 'id', '-un']).stdout, 'app\n');
  t.is(call(['exec', 'box', '/no/such']).status, 127);
  t.regex(call(['ps', '--format', '{{.Names}} {{.Status}}']).stdout, /^box Up /);
  t.is(inspect('box', '.State.Status'), 'running');
  t.is(inspect('box', '.OCIRuntime'), RUNTIME);
  t.regex(call(['top', 'box', 'pid', 'args']).stdout, /\n1 +sh -c trap/);
  t.is(call(['stop', '--time=20', 'box']).status, 0);
  t.is(inspect('box', '.State.Status'), 'exited');
  t.is(inspect('box', '.State.ExitCode'), '9');
  t.is(call(['start', 'box']).status, 0, 'and once more');
  t.is(call(['rm', '--force', '--time=0', 'box']).status, 0);
  t.is(call(['ps', '--all', '--quiet']).stdout, '');
});

podman('limits are the container\'s, seen from both sides, and can be changed', (t, { image, run, call, inspect }) => {
  limits(t, { run, call, inspect }, { image, usage: /\/ 67.11MB 1\n/, update: ['--memory=80m'] });
});

podman('a terminal has the client\'s size', (t, { image, onTerminal }) => {
  const { status, stdout } = onTerminal(['--rm', '--interactive', '--tty', image, 'sh', '-c', TERMINAL]);
  t.regex(stdout, /\/dev\/pts\/0\n33 77\n/);
  t.is(status, 5);
});
