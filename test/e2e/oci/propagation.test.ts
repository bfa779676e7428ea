/** What is mounted in a container stays in it, also where the machine's own root is shared, as systemd makes it. Needs root and a static busybox. */
import { spawnSync } from 'node:child_process';
import { COMMAND, oci } from './command.js';

oci('oci: on a machine whose root is shared a container starts, and none of its mounts reaches the machine', (t, stage) => {
  stage.configure(['echo', 'started']);
  const count = 'wc -l < /proc/self/mountinfo';
  const script = `mount --make-rshared / && ${count} && "$0" "$1" --root "$2" run "$3" && ${count}`;
  const { stdout, stderr } = spawnSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, process.execPath, COMMAND, stage.root, stage.id], { cwd: stage.bundle, encoding: 'utf8', timeout: 30_000 });
  t.is(stderr, '');
  const [before, said, after] = stdout.trim().split('\n');
  t.is(said, 'started');
  t.is(after, before);
});
