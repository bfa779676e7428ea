/** Beneath a denial: a descriptor that whoever calls us has left open reaches neither executor nor monitor nor container, at whatever number. Run by the tier alone. */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMAND, oci } from '../../e2e/oci/command.js';
import { allProcesses } from '../../helpers/leaks/index.js';
import { withFolder } from '../../helpers/real-kernel.js';
import { CORE, pluginSet } from '../command.js';

/** Beyond what a process of ours ever has open itself, and among it. */
const NUMBERS = [9, 5000];
const SCRIPT = `ulimit -n 6000; ${NUMBERS.map((number) => `exec ${number}<"$0"; `).join('')}exec "$@"`;

/** With the secret open at both numbers, as a careless caller would. */
function careless(secret: string, command: readonly string[], cwd: string) {
  writeFileSync(secret, 'of the machine');
  return spawnSync('bash', ['-c', SCRIPT, secret, ...command], { encoding: 'utf8', cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 });
}

function open(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${name}`)];
    } catch {
      return []; // closed meanwhile
    }
  });
}

oci('a caller\'s open file is not in a container of core-oci, while it is held nor when it runs', (t, stage) => {
  const secret = join(stage.base, 'made-secret');
  stage.configure(['sh', '-c', 'ls -l /proc/self/fd; sleep 60']);
  const output = join(stage.base, 'made-output');
  const created = careless(secret, ['sh', '-c', `exec "$@" > ${output} 2>&1`, 'sh', process.execPath, COMMAND, '--root', stage.root, 'create', stage.id], stage.bundle);
  t.is(created.status, 0, stage.read('made-output'));
  const pid = stage.state()['pid'] as number;
  t.false(open(pid).includes(secret), open(pid).join());
  t.is(stage.call(['start', stage.id]).status, 0);
  t.false(open(pid).includes(secret));
});

oci('what is handed on is there, and a hook of the machine\'s gets nothing', (t, stage) => {
  const secret = join(stage.base, 'made-secret');
  const hook = { path: '/bin/sh', args: ['sh', '-c', `ls -l /proc/self/fd > ${join(stage.base, 'made-hook')}`] };
  stage.configure(['sh', '-c', 'read word <&3; echo "$word"; ls /proc/self/fd'], (config) => ({ ...config, hooks: { createContainer: [hook] } }));
  const call = [process.execPath, COMMAND, '--root', stage.root, 'run', '--preserve-fds', '1', stage.id];
  const ran = careless(secret, ['sh', '-c', 'exec "$@" 3<"$0"', secret, ...call], stage.bundle);
  t.is(ran.status, 0, ran.stderr);
  t.deepEqual(ran.stdout.trim().split('\n'), ['of the machine', '0', '1', '2', '3', '4']);
  t.false(stage.read('made-hook').includes(secret), stage.read('made-hook'));
});

withFolder('a caller\'s open file is in no executor, monitor or container of `core run`', async (t, folder) => {
  const secret = join(folder, 'secret');
  const set = pluginSet(folder, { options: { command: ['sh', '-c', 'ls -l /proc/self/fd; echo; sleep 1'] } });
  writeFileSync(secret, 'of the machine');
  const child = spawn('bash', ['-c', SCRIPT, secret, process.execPath, CORE, 'run', set], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (!said.includes('\n\n')) continue;
    const executors = allProcesses().filter(({ command }) => command.includes('core-executor') && command.includes(folder)).map(({ pid }) => pid);
    const containers = allProcesses().filter(({ parent }) => executors.includes(parent)).map(({ pid }) => pid);
    t.true(executors.length > 1 && containers.length > 0);
    for (const pid of new Set([...executors, ...containers])) t.false(open(pid).includes(secret), String(pid));
    said = said.replace('\n\n', '\n');
  }
  t.regex(said, /0 -> /);
  t.false(said.includes(secret), said);
});
