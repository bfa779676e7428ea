/** The life of a container through the command `core-oci`. Needs root and a static busybox. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, isAlive } from '../executor/support.js';
import { oci } from './command.js';

oci('oci: create waits, start executes, kill ends, delete frees', async (t, stage) => {
  const { id } = stage;
  const pidFile = join(stage.base, 'made-pid');
  t.is(stage.call(['create', '--pid-file', pidFile, id]).status, 0);
  const pid = Number(readFileSync(pidFile, 'utf8'));
  t.like(stage.state(), { ociVersion: '1.2.1', id, status: 'created', pid, bundle: stage.bundle });
  t.notRegex(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /^sleep/);

  t.is(stage.call(['start', id]).status, 0);
  t.is(stage.state()['status'], 'running');
  t.is(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), 'sleep\u000060\u0000');
  t.regex(stage.call(['start', id]).stderr, /cannot start an already running container/);
  t.regex(stage.call(['delete', id]).stderr, new RegExp(`cannot delete container ${id} that is not stopped: running`));

  t.is(stage.call(['kill', id, 'KILL']).status, 0);
  t.true(await eventually(() => !isAlive(pid)));
  t.is(stage.state()['status'], 'stopped');
  t.regex(stage.call(['kill', id]).stderr, /container not running/);
  t.is(stage.call(['delete', id]).status, 0);
  t.regex(stage.call(['state', id]).stderr, /container does not exist/);
  t.is(stage.call(['delete', id]).status, 1);
});

oci('oci: an id is given once, and cannot lead out of the root', (t, stage) => {
  t.is(stage.call(['create', stage.id]).status, 0);
  t.regex(stage.call(['create', stage.id]).stderr, /container with given ID already exists/);
  t.is(stage.state()['status'], 'created');
  for (const id of ['../x', '.', '..', '.hidden', 'a/b', '']) t.regex(stage.call(['create', id]).stderr, /invalid container id format/, id);
});

oci('oci: a created container can be deleted', (t, stage) => {
  t.is(stage.call(['create', stage.id]).status, 0);
  const pid = stage.state()['pid'] as number;
  t.is(stage.call(['delete', stage.id]).status, 0);
  t.false(isAlive(pid));
});

oci('oci: run gives the output and the status, and leaves nothing', (t, stage) => {
  stage.configure(['sh', '-c', 'cat; id -u; exit 7']);
  t.like(stage.call(['run', stage.id], { input: 'in\n' }), { status: 7, stdout: 'in\n0\n', stderr: '' });
  stage.configure(['sh', '-c', 'kill -9 $$']);
  // The first process of a pid namespace ignores what it sends itself.
  t.is(stage.call(['run', stage.id]).status, 0);
  t.deepEqual(readdirSync(stage.root), []);
});

oci('oci: a command that is not there fails the creation, which leaves nothing', (t, stage) => {
  stage.configure(['nope']);
  const answer = stage.call(['create', '--pid-file', join(stage.base, 'pid'), stage.id]);
  t.is(answer.status, 1);
  t.regex(answer.stderr, /exec: \\"nope\\": executable file not found in \$PATH/);
  t.deepEqual(readdirSync(stage.root), []);
  t.false(existsSync(join(stage.base, 'pid')));
  stage.configure(['/bin']);
  t.regex(stage.call(['run', stage.id]).stderr, /exec: \\"\/bin\\": permission denied/);
});

oci('oci: a mount that fails leaves nothing', (t, stage) => {
  stage.configure(['true'], (config) => ({ ...config, mounts: [...(config.mounts ?? []), { destination: '/x', type: 'bind', source: '/no/such', options: ['bind'] }] }));
  const answer = stage.call(['create', stage.id]);
  t.is(answer.status, 1);
  t.regex(answer.stderr, /\/no\/such/);
  t.deepEqual(readdirSync(stage.root), []);
});

oci('oci: errors go to the log, as JSON or text', (t, stage) => {
  const log = join(stage.base, 'made-log');
  t.is(stage.call(['state', 'nope'], { flags: ['--log', log, '--log-format', 'json'] }).status, 1);
  t.like(JSON.parse(readFileSync(log, 'utf8')), { level: 'error', msg: 'container does not exist' });
  writeFileSync(log, '');
  const answer = stage.call(['state', 'nope'], { flags: ['--log', log] });
  t.regex(readFileSync(log, 'utf8'), /^time="\S+" level=error msg="container does not exist"\n$/);
  t.is(answer.stderr, 'container does not exist\n');
});

oci('oci: the container is in every hierarchy, below the path it names', (t, stage) => {
  const path = `/${stage.id}/below`;
  stage.configure(['sleep', '60'], (config) => ({ ...config, linux: { ...config.linux, cgroupsPath: path, resources: { pids: { limit: 17 } } } }));
  t.is(stage.call(['run', '--detach', '--pid-file', join(stage.base, 'made-pid'), stage.id]).status, 0);
  const pid = Number(readFileSync(join(stage.base, 'made-pid'), 'utf8'));
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  const known = lines.filter((line) => /:(memory|cpu|cpuset|pids|devices|freezer|)[,:]/.test(line));
  t.true(known.length > 0);
  for (const line of known) t.is(line.split(':')[2], path, line);
});
