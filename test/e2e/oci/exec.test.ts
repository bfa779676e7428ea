/** Execs, listings and freezing through the command `core-oci`. Needs root and a static busybox. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { oci } from './command.js';

oci('oci: an exec is where the container is, and gives its status', (t, stage) => {
  const { id } = stage;
  t.is(stage.call(['run', '-d', id]).status, 0);
  t.like(stage.call(['exec', id, 'sh', '-c', 'cat; exit 3'], { input: 'hello' }), { status: 3, stdout: 'hello' });
  t.like(stage.call(['exec', '-e', 'A=b', '-u', '1000:1001', '-g', '7', '--cwd', '/bin', id, 'sh', '-c', 'echo $A $PWD; id -u; id -g; id -G']), { status: 0, stdout: 'b /bin\n1000\n1001\n1001 7\n' });
  t.regex(stage.call(['exec', id, 'sh', '-c', 'grep NoNewPrivs /proc/self/status; cat /proc/1/cmdline']).stdout, /NoNewPrivs:\s1\nsleep/);
  const missing = stage.call(['exec', id, 'nope']);
  t.is(missing.status, 255);
  t.regex(missing.stderr, /exec: \\"nope\\": executable file not found in \$PATH/);
});

oci('oci: HOME is that of the user, wherever its line stands', (t, stage) => {
  mkdirSync(join(stage.bundle, 'rootfs', 'etc'));
  writeFileSync(join(stage.bundle, 'rootfs', 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh');
  t.is(stage.call(['run', '-d', stage.id]).status, 0);
  t.is(stage.call(['exec', stage.id, 'sh', '-c', 'echo $HOME']).stdout, '/root\n');
  t.is(stage.call(['exec', '-u', '1000', stage.id, 'sh', '-c', 'echo $HOME']).stdout, '/home/app\n');
  const missing = stage.call(['exec', '--cwd', '/no/such', stage.id, 'true']);
  t.is(missing.status, 255);
  t.regex(missing.stderr, /chdir to cwd failed/);
});

oci('oci: limits can be changed, and are the container\'s', (t, stage) => {
  const { id } = stage;
  t.is(stage.call(['run', '-d', id]).status, 0);
  t.is(stage.call(['update', '--pids-limit', '17', id]).status, 0);
  const stats = JSON.parse(stage.call(['events', '--stats', id]).stdout) as { type: string; id: string; data: { pids: unknown } };
  t.like(stats, { type: 'stats', id, data: { pids: { current: 1, limit: 17 } } });
  t.is(stage.call(['update', '--pids-limit', 'many', id]).status, 1);
  t.like(JSON.parse(stage.call(['stats', id]).stdout), { type: 'stats', id, data: { pids: { limit: 17 } } });
});

oci('oci: a memory limit below what is in use is refused where that is asked for', (t, stage) => {
  const { id } = stage;
  stage.configure(['sleep', '60'], (config) => ({ ...config, linux: { ...config.linux, resources: { ...config.linux?.resources, memory: { limit: 64 << 20 } } } }));
  t.is(stage.call(['run', '-d', id]).status, 0);
  const limit = (): number => (JSON.parse(stage.call(['stats', id]).stdout) as { data: { memory: { usage: { limit: number } } } }).data.memory.usage.limit;
  const ask = (memory: object): string => stage.call(['update', '--resources', '-', id], { input: JSON.stringify({ memory }) }).stderr;
  t.regex(ask({ limit: 4096, checkBeforeUpdate: true }), /memory limit of 4096 bytes is below the \d+ bytes in use/);
  t.is(limit(), 64 << 20);
  t.is(ask({ limit: 32 << 20, checkBeforeUpdate: true }), '');
  t.is(limit(), 32 << 20);
});

oci('oci: a detached exec is counted among the processes', (t, stage) => {
  const { id } = stage;
  const pidFile = join(stage.base, 'made-pid');
  t.is(stage.call(['run', '-d', id]).status, 0);
  t.is(stage.call(['exec', '-d', '--pid-file', pidFile, id, 'sleep', '61']).status, 0);
  const pid = Number(readFileSync(pidFile, 'utf8'));
  const pids = JSON.parse(stage.call(['ps', '--format', 'json', id]).stdout) as number[];
  t.deepEqual(pids.sort(), [stage.state()['pid'] as number, pid].sort());
  t.regex(stage.call(['list']).stdout, new RegExp(`^ID +PID +STATUS +BUNDLE +CREATED +OWNER\n${id} +\\d+ +running `));
  t.is(stage.call(['list', '-q']).stdout, `${id}\n`);
  t.is(stage.call(['kill', '--all', id, 'KILL']).status, 0);
});

oci('oci: a paused container takes no exec, and ends all the same', (t, stage) => {
  const { id } = stage;
  t.is(stage.call(['run', '-d', id]).status, 0);
  t.regex(stage.call(['resume', id]).stderr, /container not paused/);
  t.is(stage.call(['pause', id]).status, 0);
  t.is(stage.state()['status'], 'paused');
  t.is(stage.call(['exec', id, 'true']).status, 255);
  t.is(stage.call(['resume', id]).status, 0);
  t.is(stage.call(['exec', id, 'true']).status, 0);
  t.is(stage.call(['pause', id]).status, 0);
  t.is(stage.call(['delete', '--force', id]).status, 0);
});
