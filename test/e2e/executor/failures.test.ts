/** A start that fails at any step says which one, and leaves nothing: no process, group, mount or folder. Needs root. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { CLONE } from '#runtime-linux/constants.js';
import { StepError } from '#runtime-linux/link/failure.js';
import { declareUnless } from '../../helpers/declare.js';
import { Executor, NAMESPACES, eventually, lacking, type Step, type Wish } from './support.js';

const run = declareUnless(lacking);

const group = '/sys/fs/cgroup/pids/core-executor-failures';

interface Failure {
  readonly step: string;
  readonly errno: keyof typeof constants.errno;
}

const failing = test.macro({
  title: (name) => `fails: ${name}`,
  async exec(t, wish: Wish & { readonly setup?: (steps: Step[]) => Step[] }, { step, errno }: Failure) {
    const executor = await Executor.start(t);
    mkdirSync(group, { recursive: true });
    t.teardown(() => rmdirSync(group));
    const mine = `${group}/c1`;
    const plan = executor.plan('c1', {
      ...wish,
      prepare: [['mkdir', mine, 0o755], ['open', 200, `${mine}/tasks`, 1], ...(wish.prepare ?? [])],
      first: [['join', 200], ...(wish.first ?? [])],
      plan: { cgroups: [mine], teardown: [['rmdir', mine]], ...wish.plan },
    });
    const setup = wish.setup ? wish.setup(plan['setup'] as Step[]) : plan['setup'];
    const before = mounts(executor.process.pid as number);
    const thrown = await t.throwsAsync(executor.request('start', { ...plan, setup }), { instanceOf: StepError });
    t.is(thrown?.failure.step, step, thrown?.failure.message);
    t.is(thrown?.errno, errno);
    t.not(thrown?.failure.message, '');
    const list = lists(plan, setup as Step[]).find((steps) => steps[thrown?.failure.index ?? -1]?.[0] === step);
    if (thrown?.failure.index !== -1) t.truthy(list, `index ${thrown?.failure.index} does not name ${step}`);
    t.false(existsSync(mine));
    t.false(existsSync(join(executor.run, 'c1')));
    t.deepEqual(mounts(executor.process.pid as number), before);
    t.true(await eventually(() => children(executor.process.pid as number).length === 0));
    // And the executor is as good as before.
    t.is((await executor.once('c2')).exit.exitCode, 0);
  },
});

function lists(plan: Record<string, unknown>, setup: Step[]): Step[][] {
  return [plan['prepare'] as Step[], plan['mapped'] as Step[], setup];
}

function mounts(pid: number): string {
  return readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
}

function children(pid: number): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
}

const missing = '/nowhere/at/all';
const inside = (...steps: Step[]): Wish => ({ inside: steps });
const user = (...step: unknown[]): Wish => ({ user: [['user', ...step]] });
const without = (name: string) => ({ setup: (steps: Step[]) => steps.filter(([op]) => op !== name) });

run('mkdir', failing, { prepare: [['mkdir', `${missing}/x`, 0o755]] }, { step: 'mkdir', errno: 'ENOENT' });
run('chown', failing, { prepare: [['chown', missing, 1, 1]] }, { step: 'chown', errno: 'ENOENT' });
run('write to what is not there', failing, { prepare: [['write', missing, 'x', false]] }, { step: 'write', errno: 'ENOENT' });
run('write of a value that is no limit', failing, { prepare: [['write', `${group}/c1/pids.max`, 'many', false]] }, { step: 'write', errno: 'EINVAL' });
run('open', failing, { prepare: [['open', 9, missing, 0]] }, { step: 'open', errno: 'ENOENT' });
run('a slot filled twice', failing, { prepare: [['open', 9, '/dev/null', 0], ['open', 9, '/dev/null', 0]] }, { step: 'open', errno: 'EINVAL' });
run('tree', failing, { prepare: [['tree', 9, missing, true, false, true]] }, { step: 'tree', errno: 'ENOENT' });
run('an idmapped tree outside of mapped', failing, { prepare: [['tree', 9, '/tmp', true, true, true]] }, { step: 'tree', errno: 'EINVAL' });
run('netns', failing, { prepare: [['netns', 9, missing]] }, { step: 'netns', errno: 'ENOENT' });
run('a program for a group that is not there', failing, { prepare: [['devices', missing, Buffer.alloc(16)]] }, { step: 'devices', errno: 'ENOENT' });
run('maps the kernel refuses', failing, { clone: NAMESPACES | CLONE.NEWUSER, nodes: false, plan: { userns: ['0 0 0\n', '0 0 0\n'] } }, { step: 'userns', errno: 'EINVAL' });
run('a tree in mapped', failing, { clone: NAMESPACES | CLONE.NEWUSER, nodes: false, plan: { userns: ['0 0 65536\n', '0 0 65536\n'], mapped: [['tree', 9, missing, true, true, true]] } }, { step: 'tree', errno: 'ENOENT' });
run('clock offsets the kernel refuses', failing, { clone: NAMESPACES | CLONE.NEWTIME, plan: { timens: 'boottime x 0\n' } }, { step: 'timens', errno: 'EINVAL' });
run('a cgroup to be born in', failing, { plan: { cgroup: missing } }, { step: 'clone', errno: 'ENOENT' });
run('join of an empty slot', failing, { first: [['join', 7]] }, { step: 'join', errno: 'EINVAL' });
run('join of no group', failing, { prepare: [['open', 7, '/dev/full', 1]], first: [['join', 7]] }, { step: 'join', errno: 'ENOSPC' });
run('setns of no namespace', failing, { prepare: [['open', 7, '/dev/null', 0]], first: [['setns', 7, 0]] }, { step: 'setns', errno: 'EINVAL' });
run('a filesystem that is none', failing, inside(['fs', 9, 'nofs', [], 0]), { step: 'fs', errno: 'ENODEV' });
run('an option that is none', failing, inside(['fs', 9, 'tmpfs', [['bogus', 'x']], 0]), { step: 'fs', errno: 'EINVAL' });
run('an overlay without a lower folder', failing, inside(['fs', 9, 'overlay', [['lowerdir+', missing]], 0]), { step: 'fs', errno: 'ENOENT' });
run('place', failing, { first: [['fs', 9, 'tmpfs', [], 0], ['place', 9, missing]] }, { step: 'place', errno: 'ENOENT' });
run('two roots', failing, inside(['fs', 9, 'tmpfs', [], 0], ['root', 9]), { step: 'root', errno: 'EINVAL' });
run('bindroot', failing, { setup: (steps) => steps.map((step) => (step[0] === 'root' ? ['bindroot', missing, true] : step)) }, { step: 'bindroot', errno: 'ENOENT' });
run('no root at all', failing, without('root'), { step: 'mount', errno: 'EINVAL' });
run('a mount point that is missing', failing, inside(['fs', 9, 'tmpfs', [], 0], ['mount', 9, '/none', 0, false]), { step: 'mount', errno: 'ENOENT' });
run('a folder onto a file', failing, inside(['fs', 9, 'tmpfs', [], 0], ['mount', 9, '/etc/passwd', 0, false]), { step: 'mount', errno: 'EINVAL' });
run('a mount onto the root', failing, inside(['fs', 9, 'tmpfs', [], 0], ['mount', 9, '/etc/..', 1, false]), { step: 'mount', errno: 'EBUSY' });
run('a link where none may be', failing, inside(['link', '/tmp', '/trap'], ['fs', 9, 'tmpfs', [], 0], ['mount', 9, '/trap', 1, true]), { step: 'mount', errno: 'ELOOP' });
run('attr', failing, inside(['attr', '/none', 1, 0, 0, false]), { step: 'attr', errno: 'ENOENT' });
run('a folder that is a file', failing, inside(['folder', '/etc/passwd', 0o755]), { step: 'folder', errno: 'ENOTDIR' });
run('a node that is something else', failing, inside(['node', '/dev/null', 0o020666, 9, 9, 0, 0]), { step: 'node', errno: 'EEXIST' });
run('a link in a file', failing, inside(['link', 'x', '/etc/passwd/x']), { step: 'link', errno: 'ENOTDIR' });
run('a loop of links', failing, inside(['link', '/b', '/a'], ['link', '/a', '/b'], ['folder', '/a/x', 0o755]), { step: 'folder', errno: 'ELOOP' });
run('sysctl', failing, inside(['sysctl', 'no.such.thing', '1']), { step: 'sysctl', errno: 'ENOENT' });
run('a sysctl that leads out', failing, inside(['sysctl', '../../etc/passwd', '1']), { step: 'sysctl', errno: 'EINVAL' });
run('pivot without a root', failing, { setup: (steps) => [['pivot'], steps.at(-1) as Step] }, { step: 'pivot', errno: 'EINVAL' });
run('hostname', failing, inside(['hostname', 'x'.repeat(65)]), { step: 'hostname', errno: 'EINVAL' });
run('rlimit', failing, { last: [['rlimit', 7, 200n, 100n]] }, { step: 'rlimit', errno: 'EINVAL' });
run('oom', failing, { last: [['oom', 5000]] }, { step: 'oom', errno: 'EINVAL' });
run('attribute', failing, { last: [['attribute', 'nothing/exec', 'x']] }, { step: 'attribute', errno: 'ENOENT' });
run('cwd', failing, { last: [['cwd', '/none', false]] }, { step: 'cwd', errno: 'ENOENT' });
run('a cwd by a magic link', failing, { last: [['cwd', '/proc/self/fd/1', false]] }, { step: 'cwd', errno: 'ELOOP' });
run('a user nobody knows', failing, user('ghost', 0, 0, [], true), { step: 'user', errno: 'ENOENT' });
run('a group nobody knows', failing, user('app:ghosts', 0, 0, [], true), { step: 'user', errno: 'ENOENT' });
run('a user beyond 2^31', failing, user('4294967295', 0, 0, [], true), { step: 'user', errno: 'EINVAL' });
run('a filter that is none', failing, { last: [['nnp'], ['seccomp', Buffer.alloc(8, 0xff), 0]] }, { step: 'seccomp', errno: 'EINVAL' });
run('a command nobody has', failing, { argv: ['nothing'] }, { step: 'exec', errno: 'ENOENT' });
run('a path nobody has', failing, { argv: ['/bin/nothing'] }, { step: 'exec', errno: 'ENOENT' });
run('a file that is no program', failing, { argv: ['/etc/passwd'] }, { step: 'exec', errno: 'EACCES' });
run('a folder for a command', failing, { argv: ['/bin'] }, { step: 'exec', errno: 'EACCES' });
run('a command nobody has, with an init', failing, { argv: ['nothing'], init: true }, { step: 'exec', errno: 'ENOENT' });
run('a log in no folder', failing, { io: { log: { path: `${missing}/log`, maxBytes: 1, maxFiles: 1 } } }, { step: 'log', errno: 'ENOENT' });
run('a terminal without a devpts', failing, { io: { terminal: true }, setup: (steps) => steps.filter((step) => !(step[0] === 'mount' && step[2] === '/dev/pts')) }, { step: 'console', errno: 'ENOENT' });

run('a second start of what runs is refused, and the first is unharmed', async (t) => {
  const executor = await Executor.start(t);
  const { pid } = await executor.startContainer('c1', { argv: ['sleep', '100'] });
  const thrown = await t.throwsAsync(executor.startContainer('c1'), { instanceOf: StepError });
  t.is(thrown?.errno, 'EBUSY');
  t.is(executor.record('c1', 'state')['pid'], pid);
  t.true(readdirSync(join(executor.run, 'c1')).includes('ctl'));
});
