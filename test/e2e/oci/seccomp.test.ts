/** Seccomp through the command `core-oci`: profiles that allow little, and listeners. Needs root, a static busybox and a C compiler. */
import { spawn } from 'node:child_process';
import { once as event } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Oci } from '@core/core/plugin';
import { eventually } from '../executor/support.js';
import { once, run } from '../../helpers/images.js';
import { oci, type Stage } from './command.js';

function confine(stage: Stage, args: readonly string[], seccomp: Oci.Seccomp): void {
  stage.configure(args, (config) => ({ ...config, linux: { ...config.linux, seccomp } }));
}

/** What busybox itself calls; nothing of close_range, sendto, recvfrom. */
const FEW = ['read', 'write', 'close', 'execve', 'exit', 'exit_group', 'brk', 'mmap', 'munmap', 'mprotect', 'arch_prctl', 'set_tid_address', 'set_robust_list', 'rseq', 'prlimit64',
  'getrandom', 'readlink', 'readlinkat', 'newfstatat', 'fstat', 'prctl', 'getuid', 'setgid', 'setuid', 'getpid', 'rt_sigaction', 'uname', 'ioctl', 'writev', 'fcntl'];

oci('oci: a profile need allow no more than the command calls', (t, stage) => {
  confine(stage, ['echo', 'alive'], { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: FEW, action: 'SCMP_ACT_ALLOW' }] });
  t.like(stage.call(['run', stage.id]), { status: 0, stdout: 'alive\n' });
  t.is(stage.call(['create', stage.id]).status, 0);
  t.is(stage.state()['status'], 'created');
  t.is(stage.call(['start', stage.id]).status, 0);
});

oci('oci: what waits to be started holds no descriptor of the machine\'s, filter or not', (t, stage) => {
  for (const seccomp of [undefined, { defaultAction: 'SCMP_ACT_ALLOW' } as Oci.Seccomp]) {
    stage.configure(['true'], (config) => ({ ...config, linux: { ...config.linux, ...(seccomp && { seccomp }) } }));
    t.is(stage.call(['create', stage.id]).status, 0);
    const open = run('ls', [`/proc/${stage.state()['pid'] as number}/fd`]).trim().split('\n');
    // Its stdio and the two fifos.
    t.is(open.length, 5);
    t.is(stage.call(['delete', '--force', stage.id]).status, 0);
  }
});

const source = join(import.meta.dirname, '..', '..', '..', 'fixtures', 'seccomp-agent.c');

function agentProgram(): string {
  const key = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 12);
  return join(once(`seccomp-agent-${key}`, (folder) => void run('cc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', join(folder, 'agent'), source])), 'agent');
}

interface Agent {
  readonly socket: string;
  readonly lines: () => string[];
  readonly end: () => Promise<void>;
}

async function listen(stage: Stage, name: string): Promise<Agent> {
  const socket = join(stage.base, name);
  const child = spawn(agentProgram(), [socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()));
  await eventually(() => text.includes('ready'));
  return {
    socket,
    lines: () => text.split('\n').slice(1),
    end: async () => {
      const ended = event(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

const ASKED: Pick<Oci.Seccomp, 'defaultAction' | 'syscalls'> = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_NOTIFY' }] };
const PROBE = ['sh', '-c', 'mkdir /dev/x; echo status $?'];

oci('oci: a listener gets the filter and the state, and its answers are the calls\' results', async (t, stage) => {
  copyFileSync('/bin/busybox', join(stage.bundle, 'rootfs', 'bin', 'mkdir'));
  mkdirSync(join(stage.bundle, 'rootfs', 'dev'), { recursive: true });
  const agent = await listen(stage, 'made-agent');
  try {
    confine(stage, PROBE, { ...ASKED, listenerPath: agent.socket, listenerMetadata: 'note', flags: ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] });
    const answer = stage.call(['run', stage.id]);
    t.is(answer.stdout, 'status 1\n');
    t.regex(answer.stderr, /Invalid cross-device link/);
    t.true(await eventually(() => agent.lines().length > 2));
    const [message = '', call] = agent.lines();
    const { pid, ...rest } = JSON.parse(message) as { pid: number; state: { pid: number } };
    t.deepEqual(rest, { ociVersion: '1.2.1', fds: ['seccompFd'], metadata: 'note', state: { ociVersion: '1.2.1', id: stage.id, status: 'creating', pid, bundle: stage.bundle } } as never);
    t.regex(call ?? '', /^call \d+ of \d+$/);
  } finally {
    await agent.end();
  }
});

oci('oci: a process that comes later has a listener of its own', async (t, stage) => {
  copyFileSync('/bin/busybox', join(stage.bundle, 'rootfs', 'bin', 'mkdir'));
  const first = await listen(stage, 'made-agent');
  confine(stage, ['sleep', '60'], { ...ASKED, listenerPath: first.socket });
  t.is(stage.call(['run', '-d', stage.id]).status, 0);
  await first.end();
  run('rm', [first.socket]);
  const second = await listen(stage, 'made-agent');
  try {
    const answer = stage.call(['exec', stage.id, ...PROBE]);
    t.like(answer, { status: 0, stdout: 'status 1\n' });
    t.true(await eventually(() => second.lines().length > 2));
    const { pid, state } = JSON.parse(second.lines()[0] as string) as { pid: number; state: { pid: number; status: string } };
    t.like(state, { status: 'running', pid: stage.state()['pid'] as number });
    t.not(pid, state.pid);
  } finally {
    await second.end();
  }
});

oci('oci: without anybody who listens there is no container', (t, stage) => {
  confine(stage, PROBE, { ...ASKED, listenerPath: join(stage.base, 'nobody') });
  const answer = stage.call(['create', stage.id]);
  t.is(answer.status, 1);
  t.regex(answer.stderr, /cannot open the socket .*nobody/);
});
