/** containerd drives `core-oci` by way of its shim, asked by `ctr`. Needs containerd. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { groupValue } from '../helpers/cgroup.js';
import { ociArchive } from '../helpers/images.js';
import { Daemon } from './support/daemon.js';
import { RUNTIME, testsOf, type Answer, type Peer, type Place } from './support/peer.js';
import { eventually, OBEDIENT, TERMINAL } from './support/scenes.js';

const containerd = testsOf({ name: 'containerd', tools: ['containerd', 'ctr'], setUp });

interface Containerd extends Peer {
  readonly image: string;
  readonly place: Place;
  run(args: readonly string[]): Answer;
  exec(container: string, args: readonly string[]): Answer;
  onTerminal(args: readonly string[]): Answer;
}

/** Without the plugins that make folders elsewhere. */
const configText = (base: string): string => `version = 2
root = "${base}/root"
state = "${base}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "${base}/socket"
[ttrpc]
address = "${base}/ttrpc"
`;

async function setUp(place: Place): Promise<Containerd> {
  const config = join(place.base, 'config.toml');
  writeFileSync(config, configText(place.base));
  const global = [`--address=${join(place.base, 'socket')}`, '--namespace=core'];
  const call = (args: readonly string[]): Answer => place.call('ctr', [...global, ...args]);
  const fifos = `--fifo-dir=${place.folder('fifos')}`;
  const daemon = await Daemon.start(place, ['containerd', `--config=${config}`], { answers: () => call(['version']).status === 0 });
  const usual = ['run', '--snapshotter=native', `--runc-binary=${RUNTIME}`, fifos, `--cgroup=${place.group}/box`];
  const list = (...args: string[]): string[] => call([...args, '--quiet']).stdout.split('\n').filter(Boolean);
  let execs = 0;
  const close = async (): Promise<void> => {
    for (const id of list('tasks', 'list')) call(['tasks', 'delete', '--force', id]);
    for (const id of list('containers', 'list')) call(['containers', 'delete', id]);
    await daemon.stop();
  };
  const imported = call(['images', 'import', '--snapshotter=native', ociArchive().slice('oci-archive:'.length)]);
  if (imported.status !== 0) {
    await close();
    throw new Error(imported.stderr);
  }
  return {
    state: join(place.base, 'daemon', 'run', 'containerd', 'runc', 'core'),
    image: list('images', 'list')[0] ?? '',
    place,
    call,
    run: (args) => call([...usual, ...args]),
    exec: (container, args) => call(['tasks', 'exec', fifos, `--exec-id=exec-${++execs}`, container, ...args]),
    onTerminal: (args) => place.onTerminal('ctr', [...global, ...usual, ...args]),
    close,
  };
}

containerd('run gives the output and the status, and says what cannot be executed', (t, { image, run, call }) => {
  t.like(run(['--rm', image, 'box', 'sh', '-c', 'echo out; echo err >&2; exit 7']), { status: 7, stdout: 'out\n', stderr: 'err\n' });
  const missing = run(['--rm', image, 'box', '/no/such']);
  t.is(missing.status, 1);
  t.regex(missing.stderr, /exec: "\/no\/such": stat \/no\/such: no such file or directory/);
  t.regex(run(['--rm', image, 'box', '/etc/passwd']).stderr, /exec: "\/etc\/passwd": permission denied/);
  t.is(call(['tasks', 'list', '--quiet']).stdout, '');
});

containerd('a container in the background: exec, logs, list, info, kill, delete', async (t, { image, place, run, exec, call }) => {
  const log = join(place.base, 'log');
  t.is(run(['--detach', `--log-uri=file://${log}`, image, 'box', 'sh', '-c', OBEDIENT]).status, 0);
  t.is(await eventually(() => (existsSync(log) ? readFileSync(log, 'utf8') : ''), (text) => text !== ''), 'started\n');
  t.like(exec('box', ['sh', '-c', 'echo $FROM_IMAGE; exit 3']), { status: 3, stdout: 'yes\n' });
  t.regex(exec('box', ['/no/such']).stderr, /no such file or directory/);
  t.regex(call(['tasks', 'list']).stdout, /box +\d+ +RUNNING/);
  t.regex(call(['containers', 'info', 'box']).stdout, /"Image": "/);
  t.regex(call(['tasks', 'ps', 'box']).stdout, /PID +INFO\n\d+/);
  t.is(call(['tasks', 'kill', '--signal=SIGTERM', 'box']).status, 0);
  t.regex(await eventually(() => call(['tasks', 'list']).stdout, (text) => text.includes('STOPPED')), /STOPPED/);
  t.regex(call(['tasks', 'delete', 'box']).stderr, /non-zero exit code 9/);
  t.is(call(['containers', 'delete', 'box']).status, 0);
});

containerd('limits are the container\'s, and it can be frozen', (t, { image, run, call }) => {
  t.is(run(['--detach', '--null-io', `--memory-limit=${64 << 20}`, image, 'box', 'sleep', '1000']).status, 0);
  const [, pid] = /box +(\d+) +RUNNING/.exec(call(['tasks', 'list']).stdout) ?? [];
  t.is(groupValue(Number(pid), 'memory', { v1: 'memory.limit_in_bytes', v2: 'memory.max' }), String(64 << 20));
  t.regex(call(['tasks', 'metrics', 'box']).stdout, /memory\.\S+ +67108864\s/);
  t.is(call(['tasks', 'pause', 'box']).status, 0);
  t.regex(call(['tasks', 'list']).stdout, /PAUSED/);
  t.is(call(['tasks', 'resume', 'box']).status, 0);
  t.regex(call(['tasks', 'list']).stdout, /RUNNING/);
});

containerd('a terminal has the client\'s size', (t, { image, onTerminal }) => {
  const { status, stdout } = onTerminal(['--rm', '--tty', image, 'box', 'sh', '-c', TERMINAL]);
  t.regex(stdout, /\/dev\/pts\/0\n33 77\n/);
  t.is(status, 5);
});
