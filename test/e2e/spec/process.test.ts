/** How a process is run, as the specification has it: from inside, and from the machine. Needs root. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { ExecutionContext } from 'ava';
import { declareUnless } from '../../helpers/declare.js';
import { statusField } from '../../helpers/proc.js';
import { lacking, Runtime, statFields, type Box, type Wish } from './support.js';

const run = declareUnless(lacking);
const onTwoCpus = declareUnless(lacking ?? (availableParallelism() < 2 ? 'this machine has one cpu alone' : undefined));
const onNuma = declareUnless(lacking ?? (existsSync('/proc/self/numa_maps') ? undefined : 'this kernel knows no memory policies'));

interface Case {
  readonly wish: Wish;
  readonly script: string;
  readonly inside: readonly (string | RegExp)[];
  outside(t: ExecutionContext, box: Box, runtime: Runtime): unknown;
}

async function both(t: ExecutionContext, { wish, script, inside, outside }: Case): Promise<void> {
  const runtime = await Runtime.open(t);
  const box = await runtime.up(script, wish);
  t.is(box.lines.length, inside.length, box.lines.join('\n'));
  inside.forEach((wanted, i) => (typeof wanted === 'string' ? t.is(box.lines[i], wanted) : t.regex(box.lines[i] ?? '', wanted)));
  await outside(t, box, runtime);
}

run('personality LINUX32: the kernel calls itself a 32-bit one, to execs as well', both, {
  wish: { linux: { personality: { domain: 'LINUX32' } } },
  script: 'uname -m',
  inside: [process.arch === 'arm64' ? /^arm/ : 'i686'],
  outside: async (t, { id, pid, lines }, runtime) => {
    t.is(readFileSync(`/proc/${pid}/personality`, 'utf8').trim(), '00000008');
    t.deepEqual(await runtime.exec(id, 'uname -m'), [...lines]);
  },
});

run('scheduler: a batch process, and nice', both, {
  wish: { process: { scheduler: { policy: 'SCHED_BATCH', nice: 5 } } },
  script: 'set -- $(cat /proc/self/stat); echo ${19} ${41}',
  inside: ['5 3'],
  outside: (t, { pid }) => t.deepEqual(statFields(pid, 19, 41), [5, 3]),
});

run('scheduler: a real-time one with its priority', both, {
  wish: { process: { scheduler: { policy: 'SCHED_RR', priority: 7, flags: ['SCHED_FLAG_RESET_ON_FORK'] } } },
  script: 'set -- $(cat /proc/self/stat); echo ${40} ${41}',
  inside: ['0 0'],
  outside: (t, { pid }) => t.deepEqual(statFields(pid, 40, 41), [7, 2]),
});

run('ioPriority', both, {
  wish: { process: { ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 6 } } },
  script: 'ionice',
  inside: [/best-effort: prio 6/],
  outside: (t, { pid }) => t.regex(spawnSync('ionice', ['-p', String(pid)], { encoding: 'utf8' }).stdout, /best-effort: prio 6/),
});

onNuma('memoryPolicy', both, {
  wish: { linux: { memoryPolicy: { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] } } },
  script: 'grep -c "bind=static:0" /proc/self/numa_maps | grep -v "^0$" >/dev/null && echo bound',
  inside: ['bound'],
  outside: (t, { pid }) => t.regex(readFileSync(`/proc/${pid}/numa_maps`, 'utf8'), /bind=static:0/),
});

const CPUS = 'grep Cpus_allowed_list /proc/self/status';

onTwoCpus('execCPUAffinity: final is for execs alone, and the monitor keeps its own', both, {
  wish: { process: { execCPUAffinity: { initial: '1', final: '0' } } },
  script: CPUS,
  inside: [/0-|0,1/],
  outside: async (t, { id, pid }, runtime) => {
    const [monitor = 0] = statFields(pid, 4);
    const before = statusField(monitor, 'Cpus_allowed_list');
    t.deepEqual(await runtime.exec(id, CPUS), ['Cpus_allowed_list:\t0']);
    t.is(statusField(monitor, 'Cpus_allowed_list'), before);
  },
});

onTwoCpus('execCPUAffinity: without a final one the initial one stays', both, {
  wish: { process: { execCPUAffinity: { initial: '1' } } },
  script: CPUS,
  inside: [/0-|0,1/],
  outside: async (t, { id }, runtime) => t.deepEqual(await runtime.exec(id, CPUS), ['Cpus_allowed_list:\t1']),
});

run('execCPUAffinity: cpus the machine does not have fail the exec, with the step', both, {
  wish: { process: { execCPUAffinity: { initial: '0', final: '8000' } } },
  script: 'echo up',
  inside: ['up'],
  outside: (t, { id }, runtime) => t.throwsAsync(runtime.exec(id, 'true'), { code: 'E_SETUP', message: /affinity|cpus/ }),
});

run('pids.limit 0: no process but the first', async (t) => {
  const runtime = await Runtime.open(t);
  const lines = await runtime.once('echo first; (true); echo forked', { linux: { resources: { pids: { limit: 0 } } } });
  t.is(lines[0], 'first');
  t.regex(lines[1] ?? '', /can't fork/);
  t.is(lines.length, 2);
});

run('sysctl: what a user namespace has of its own', both, {
  wish: {
    linux: {
      namespaces: [{ type: 'pid' }, { type: 'mount' }, { type: 'user' }, { type: 'ipc' }, { type: 'network' }],
      uidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
      gidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
      sysctl: { 'user.max_ipc_namespaces': '3' },
    },
  },
  script: 'cat /proc/sys/user/max_ipc_namespaces',
  inside: ['3'],
  outside: (t) => t.not(readFileSync('/proc/sys/user/max_ipc_namespaces', 'utf8').trim(), '3'),
});

run('seccomp: the machine\'s own architecture is in a filter that names another alone', both, {
  wish: { linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86'], syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 }] } } },
  script: 'mkdir /x 2>&1',
  inside: [/not implemented/],
  outside: (t, { pid }) => t.is(statusField(pid, 'Seccomp'), '2'),
});
