/** Every step of a container's set-up, seen from inside. Needs root. */
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { CLONE, MOUNT_ATTR, MS } from '#runtime-linux/constants.js';
import { executorBinary } from '../../helpers/executor-plan.js';
import { declareUnless } from '../../helpers/declare.js';
import { CAPS, Executor, NAMESPACES, isAlive, lacking, type Step, type Wish } from './support.js';

const run = declareUnless(lacking);

interface Case extends Wish {
  /** Run by the container's shell. */
  readonly script: string;
  readonly says: readonly (string | RegExp)[];
  readonly code?: number;
}

const seen = test.macro({
  title: (name) => `inside: ${name}`,
  async exec(t, { script, says, code = 0, ...wish }: Case) {
    const executor = await Executor.start(t);
    const { exit, lines } = await executor.once('c1', { argv: ['sh', '-c', script], ...wish });
    t.is(exit.exitCode, code, lines.join('\n'));
    t.is(lines.length, says.length, lines.join('\n'));
    says.forEach((wanted, i) => (typeof wanted === 'string' ? t.is(lines[i], wanted) : t.regex(lines[i] ?? '', wanted)));
  },
});

/** The init is a copy of the executor, which needs libraries when it is the sanitized one. */
const lacksInit = executorBinary.endsWith('-asan') ? 'the sanitized executor is not static' : undefined;

const user = (text: string | null, uid = 0, gid = 0, groups: readonly number[] = []): Step[] => [['user', text, uid, gid, groups, true]];
const noCaps: Step = ['caps', 0n, 0n, 0n, 0n, 0n];
const only = (caps: bigint): Step => ['caps', caps, caps, caps, 0n, 0n];

run('nothing but 0, 1 and 2 is inherited', seen, { script: 'ls /proc/$$/fd; :', says: ['0', '1', '2'] });
run('stdin is the null device of the container itself', seen, { script: 'stat -L -c "%t:%T %i" /proc/self/fd/0; stat -c "%t:%T %i" /dev/null', says: [/^1:3 \d+$/, /^1:3 \d+$/] });
run('without a null device stdin is at its end', seen, { nodes: false, script: 'cat; echo read', says: ['read'] });
run('modes are not cut by a umask', seen, { script: 'stat -c %a /dev/null', says: ['666'] });
run('the umask is 022 unless the plan says otherwise', seen, { script: 'umask', says: ['0022'] });
run('umask', seen, { last: [['umask', 0o77]], script: 'umask', says: ['0077'] });
run('the first process is 1, and no other is seen', seen, { script: 'ls -d /proc/[0-9]* | head -1; readlink /proc/self/ns/pid >/dev/null && echo $$', says: ['/proc/1', '1'] });
run('hostname', seen, { script: 'hostname', says: ['c1'] });
run('domainname', seen, { inside: [['domainname', 'example']], script: 'cat /proc/sys/kernel/domainname', says: ['example'] });
run('loopback', seen, { inside: [['loopback']], script: 'ip -o addr show lo | head -1', says: [/127\.0\.0\.1/] });
run('sysctl, with dots and with slashes', seen, {
  inside: [['sysctl', 'net.ipv4.ip_forward', '1'], ['sysctl', 'net/ipv4/ip_default_ttl', '99']],
  script: 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ip_default_ttl', says: ['1', '99'],
});
run('mask: files become null devices, folders empty and read-only, absent ones are passed over', seen, {
  inside: [['mask', ['/proc/timer_list', '/proc/nothing', '/sys/firmware', '/proc/acpi', '/etc/passwd/x']]],
  script: 'stat -c %t:%T /proc/timer_list; ls /sys/firmware | wc -l; touch /sys/firmware/x 2>/dev/null || echo refused', says: ['1:3', '0', 'refused'],
});
run('readonly', seen, { inside: [['readonly', ['/proc/sys', '/nothing']]], script: '(echo 1 > /proc/sys/net/ipv4/ip_forward) 2>/dev/null || echo refused', says: ['refused'] });
run('attr: the whole root', seen, { inside: [['attr', '/', MOUNT_ATTR.RDONLY, 0, 0, false]], script: 'touch /x 2>/dev/null || echo refused; touch /dev/x && echo beside', says: ['refused', 'beside'] });
run('propagation', seen, { first: [['propagation', (1 << 14) | MS.PRIVATE]], script: 'grep -c shared: /proc/self/mountinfo', code: 1, says: ['0'] });
run('folder, with its parents', seen, { inside: [['folder', '/a/b/c', 0o700]], script: 'stat -c %a /a/b/c /a/b', says: ['700', '755'] });
run('node: what is there already is kept', seen, { inside: [['node', '/dev/null', 0o020666, 1, 3, 0, 0], ['node', '/dev/pipe', 0o010640, 0, 0, 5, 6]], script: 'stat -c "%a %u %g %F" /dev/pipe', says: ['640 5 6 fifo'] });
run('rlimit', seen, { last: [['rlimit', 7, 100n, 200n]], script: 'ulimit -n; ulimit -Hn', says: ['100', '200'] });
run('oom', seen, { last: [['oom', 500]], script: 'cat /proc/self/oom_score_adj', says: ['500'] });
run('cwd, made on the way', seen, { last: [['cwd', '/made/here', true]], script: 'pwd', says: ['/made/here'] });
run('a made cwd belongs to the user', seen, { user: [['cwd', '/made/here', true], ...user('app'), noCaps], script: 'touch f && stat -c %U:%G f .', says: ['app:app', 'app:app'] });
run('nnp', seen, { script: 'grep NoNewPrivs /proc/self/status', says: [/1$/] });
run('capabilities: five sets', seen, {
  user: [...user(null), ['caps', 0x5fbn, 0x1fbn, 0x3fbn, 0x3n, 0x3n]], last: [],
  script: 'grep ^Cap /proc/self/status', says: [/Inh:\s0+3$/, /Prm:\s0+1fb$|Prm:\s0+5fb$/, /Eff:\s0+1fb$|Eff:\s0+5fb$/, /Bnd:\s0+5fb$/, /Amb:\s0+3$/],
});
run('no capabilities for a user', seen, { user: [...user('1000:1000'), noCaps], script: 'grep -E "^Cap(Prm|Eff|Bnd)" /proc/self/status', says: [/\s0+$/, /\s0+$/, /\s0+$/] });
run('ambient capabilities reach a user', seen, { user: [...user('app'), ['caps', 1n, 1n, 1n, 1n, 1n]], script: 'grep CapEff /proc/self/status; touch /tmp/f && chown 7 /tmp/f && echo chowned', says: [/\s0+1$/, 'chowned'] });
run('user by name: its groups and home', seen, { user: [...user('app'), noCaps], script: 'id -u; id -G; echo $HOME', says: ['1000', '1000 2000', '/home/app'] });
run('user and group by name', seen, { user: [...user('app:extra'), noCaps], script: 'id -u; id -g; id -G', says: ['1000', '2000', '2000'] });
run('user by number, known in the image', seen, { user: [...user('1001'), noCaps], script: 'id -u; id -g', says: ['1001', '1001'] });
run('user by number, unknown in the image', seen, { user: [...user('4242:77'), noCaps], script: 'id -u; id -g; echo $HOME', says: ['4242', '77', '/'] });
run('user by ids with groups', seen, { user: [...user(null, 5, 6, [7, 8]), noCaps], script: 'id -u; id -g; id -G', says: ['5', '6', '6 7 8'] });
run('HOME of the plan stays', seen, { env: ['PATH=/bin', 'HOME=/mine'], script: 'echo $HOME', says: ['/mine'] });
run('the output can be opened by a user', seen, { user: [...user('app'), noCaps], script: 'echo hi > /proc/self/fd/1', says: ['hi'] });
run('seccomp without no_new_privs is loaded before the capabilities go', seen, {
  user: [...user('app'), only(0n)], last: [['seccomp', denyMkdir(), 0]], script: 'grep -E "^(Seccomp|CapEff):" /proc/self/status; mkdir /tmp/x 2>/dev/null || echo denied', says: [/CapEff:\s0+$/, /2$/, 'denied'],
});
const withInit = lacksInit ? test.skip : test;
withInit('an init reaps, hands signals on and gives the status', seen, { init: true, script: 'cat /proc/1/comm; sh -c "sleep 0.1 &"; kill -TERM 1; sleep 1', code: 143, says: ['core-init'] });
run('unshare: a cgroup namespace', seen, { first: [['unshare', CLONE.NEWCGROUP]], script: 'grep -v ":/$" /proc/self/cgroup | wc -l', says: ['0'] });

/** mkdir(2) and mkdirat(2) answer EPERM; x86-64 and arm64 numbers both, as they name harmless calls of the other. */
function denyMkdir(): Buffer {
  const numbers = process.arch === 'arm64' ? [34] : [83, 258];
  const instruction = (code: number, [jt, jf]: readonly [number, number], k: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt16LE(code, 0);
    bytes.writeUInt8(jt, 2);
    bytes.writeUInt8(jf, 3);
    bytes.writeUInt32LE(k, 4);
    return bytes;
  };
  const tests = numbers.map((number, i) => instruction(0x15, [numbers.length - i, 0], number));
  return Buffer.concat([instruction(0x20, [0, 0], 0), ...tests, instruction(0x06, [0, 0], 0x7fff0000), instruction(0x06, [0, 0], 0x00050001)]);
}

const outside = test.macro({
  title: (name) => `both sides: ${name}`,
  async exec(t, body: (executor: Executor) => Promise<readonly [unknown, unknown]>) {
    const [actual, expected] = await body(await Executor.start(t));
    t.deepEqual(actual, expected);
  },
});

run('a tree of the machine, bound read-only', outside, async (executor) => {
  const source = join(executor.folder, 'data');
  mkdirSync(source);
  writeFileSync(join(source, 'f'), 'machine');
  const { lines } = await executor.once('c1', {
    prepare: [['tree', 20, source, true, false, true]],
    inside: [['mount', 20, '/mnt/data', 1, false], ['attr', '/mnt/data', MOUNT_ATTR.RDONLY, 0, 0, true]],
    argv: ['sh', '-c', 'cat /mnt/data/f; echo; touch /mnt/data/g 2>/dev/null || echo refused'],
  });
  return [[lines, readdirSync(source)], [['machine', 'refused'], ['f']]];
});

run('a file bound onto one that is missing', outside, async (executor) => {
  const source = join(executor.folder, 'file');
  writeFileSync(source, 'machine');
  const { lines } = await executor.once('c1', { prepare: [['tree', 20, source, false, false, true]], inside: [['mount', 20, '/a/b/file', 3, false]], argv: ['cat', '/a/b/file'] });
  return [lines, ['machine']];
});

run('a mount point that is a dangling link is made where the link leads, inside', outside, async (executor) => {
  const source = join(executor.folder, 'file');
  writeFileSync(source, 'machine');
  const wish: Wish = { prepare: [['tree', 20, source, false, false, true]], inside: [['link', '/../../run/deep/conf', '/etc/conf'], ['mount', 20, '/etc/conf', 2, false]], argv: ['sh', '-c', 'cat /etc/conf; echo; cat /run/deep/conf'] };
  const { lines } = await executor.once('c1', wish);
  return [lines, ['machine', 'machine']];
});

run('links in the image never lead out of it', outside, async (executor) => {
  const upper = join(executor.folder, 'c1', 'upper');
  mkdirSync(upper, { recursive: true });
  const victim = join(executor.folder, 'victim');
  mkdirSync(victim);
  symlinkSync(victim, join(upper, 'escape'));
  symlinkSync('../../../../../../../..', join(upper, 'up'));
  const { exit } = await executor.once('c1', { inside: [['folder', '/escape/x', 0o755], ['node', '/escape/pipe', 0o010600, 0, 0, 0, 0], ['folder', `/up/${victim}/y`, 0o755], ['link', 'a', '/escape/l']] });
  return [[exit.exitCode, readdirSync(victim)], [0, []]];
});

run('namespaces: each flag makes a new one', outside, async (executor) => {
  const { pid } = await executor.startContainer('c1', { argv: ['sleep', '100'] });
  const same = ['mnt', 'pid', 'uts', 'ipc', 'net', 'user', 'cgroup', 'time'].filter((name) => readlinkSync(`/proc/${pid}/ns/${name}`) === readlinkSync(`/proc/self/ns/${name}`));
  return [same, ['user', 'cgroup', 'time']];
});

run('setns: a namespace of another container is joined', outside, async (executor) => {
  const first = await executor.startContainer('c1', { argv: ['sleep', '100'] });
  const second = await executor.startContainer('c2', {
    argv: ['sleep', '100'], clone: NAMESPACES & ~CLONE.NEWNET, prepare: [['netns', 30, `/proc/${first.pid}/ns/net`]], first: [['setns', 30, CLONE.NEWNET]],
  });
  return [readlinkSync(`/proc/${second.pid}/ns/net`), readlinkSync(`/proc/${first.pid}/ns/net`)];
});

run('a user namespace: ids are mapped, also on a tree', outside, async (executor) => {
  const source = join(executor.folder, 'data');
  mkdirSync(source);
  const map = '0 100000 65536\n';
  const wish: Wish = {
    clone: NAMESPACES | CLONE.NEWUSER, nodes: false, argv: ['sh', '-c', 'id -u; touch /mnt/f; stat -c %u /mnt/f; cat /proc/self/uid_map; sleep 100'],
    prepare: [['chown', join(executor.folder, 'c1', 'upper'), 100000, 100000], ['chown', join(executor.folder, 'c1', 'work'), 100000, 100000]],
    inside: [['mount', 20, '/mnt', 1, false]], plan: { userns: [map, map], mapped: [['tree', 20, source, true, true, true]] }, last: [['oom', 300], ['nnp']],
  };
  const { pid } = await executor.startContainer('c1', wish);
  while (!isAlive(pid) || executor.log('c1').length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
  const outsideUid = statSync(`/proc/${pid}`).uid;
  return [
    [executor.log('c1').slice(0, 2), statSync(join(source, 'f')).uid, outsideUid, readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8')],
    [['0', '0'], 0, 100000, '300\n'],
  ];
});

run('a time namespace: the clock is ahead', outside, async (executor) => {
  const { lines } = await executor.once('c1', { clone: NAMESPACES | CLONE.NEWTIME, plan: { timens: 'boottime 100000000 0\n' }, argv: ['cat', '/proc/uptime'] });
  return [Number(lines[0]?.split(' ')[0]) > 100_000_000, true];
});

run('v1 groups are joined by tasks', outside, async (executor) => {
  const group = '/sys/fs/cgroup/pids/core-executor-test';
  mkdirSync(group, { recursive: true });
  try {
    const { lines } = await executor.once('c1', {
      prepare: [['mkdir', `${group}/c1`, 0o755], ['write', `${group}/c1/pids.max`, '50', false], ['write', `${group}/c1/nothing`, '1', true], ['open', 9, `${group}/c1/tasks`, 1]],
      first: [['join', 9]], plan: { cgroups: [`${group}/c1`], teardown: [['rmdir', `${group}/c1`]] }, argv: ['sh', '-c', 'grep pids: /proc/self/cgroup'],
    });
    return [[lines.map((line) => line.replace(/^\d+/, 'N')), readdirSync(group).includes('c1')], [['N:pids:/core-executor-test/c1'], false]];
  } finally {
    rmdirSync(group);
  }
});

run('bindroot and chroot: a plain folder as root', outside, async (executor) => {
  const plan = executor.plan('c1', { argv: ['sh', '-c', 'ls /etc/passwd; pwd'] });
  const setup = (plan['setup'] as Step[]).flatMap((step): Step[] => (step[0] === 'fs' && step[1] === 0 ? [] : step[0] === 'root' ? [['bindroot', lowerOf(plan), true]] : step[0] === 'pivot' ? [['chroot']] : [step]));
  await executor.request('start', { ...plan, setup });
  await executor.notice('exit', 'c1');
  return [executor.log('c1'), ['/etc/passwd', '/']];
});

run('an overlay of paths too long for fsconfig, with colons and commas in them', outside, async (executor) => {
  const long = join(executor.folder, `${'x'.repeat(200)}:a,b`, 'y'.repeat(100));
  const [upper, work, lower] = ['upper', 'work', 'lower'].map((name) => join(long, name)) as [string, string, string];
  for (const path of [upper, work, lower]) mkdirSync(path, { recursive: true });
  writeFileSync(join(lower, 'from-below'), '');
  const plan = executor.plan('c1', { argv: ['sh', '-c', 'ls /from-below; touch /new'] });
  const options = [['lowerdir+', lower], ['lowerdir+', lowerOf(plan)], ['upperdir', upper], ['workdir', work]];
  await executor.request('start', { ...plan, setup: (plan['setup'] as Step[]).map((step) => (step[0] === 'fs' && step[1] === 0 ? ['fs', 0, 'overlay', options, 0] : step)) });
  await executor.notice('exit', 'c1');
  return [[executor.log('c1'), readdirSync(upper).includes('new')], [['/from-below'], true]];
});

run('a lower folder by its slot', outside, async (executor) => {
  const plan = executor.plan('c1', { argv: ['ls', '/etc/passwd'] });
  const prepare = [['tree', 40, lowerOf(plan), false, false, true]];
  const setup = (plan['setup'] as Step[]).map((step) => (step[0] === 'fs' && step[1] === 0 ? ['fs', 0, 'overlay', [['lowerdir+', '@40'], ...(step[3] as Step[]).slice(1)], 0] : step));
  await executor.request('start', { ...plan, prepare, setup });
  await executor.notice('exit', 'c1');
  return [executor.log('c1'), ['/etc/passwd']];
});

run('a kill by the OOM killer is told at once, and at the end', outside, async (executor) => {
  const group = '/sys/fs/cgroup/memory/core-executor-test';
  if (!existsSync('/sys/fs/cgroup/memory/memory.limit_in_bytes')) return [true, true];
  mkdirSync(group, { recursive: true });
  try {
    await executor.startContainer('c1', {
      prepare: [['mkdir', `${group}/c1`, 0o755], ['write', `${group}/c1/memory.limit_in_bytes`, String(16 << 20), false], ['write', `${group}/c1/memory.memsw.limit_in_bytes`, String(16 << 20), true], ['open', 9, `${group}/c1/tasks`, 1]],
      first: [['join', 9]], plan: { cgroups: [`${group}/c1`], teardown: [['rmdir', `${group}/c1`]], oom: [1, `${group}/c1`] },
      argv: ['sh', '-c', 'tail /dev/zero; echo survived'],
    });
    const notice = await executor.notice('oom', 'c1');
    const exit = await executor.notice('exit', 'c1');
    await executor.notice('gone', 'c1');
    return [[notice, exit['oomKilled']], [{ id: 'c1' }, true]];
  } finally {
    rmdirSync(group);
  }
});

function lowerOf(plan: Record<string, unknown>): string {
  const overlay = (plan['setup'] as Step[]).find(([name]) => name === 'fs') as readonly [string, number, string, ReadonlyArray<readonly [string, string]>];
  return overlay[3].find(([key]) => key === 'lowerdir+')?.[1] ?? '';
}

run('capabilities are those of the set, not of root', outside, async (executor) => {
  const { pid } = await executor.startContainer('c1', { argv: ['sleep', '100'] });
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return [/CapEff:\s*(\S+)/.exec(status)?.[1], CAPS.toString(16).padStart(16, '0')];
});
