/** What the OCI face says and takes, without a container. */
import test from 'ava';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cgroupPath } from '#runtime-linux/oci/cgroup-path.js';
import { startFailure } from '#runtime-linux/oci/failure.js';
import { listenFds } from '#runtime-linux/oci/flags.js';
import { hookSteps } from '#runtime-linux/oci/hooks.js';
import { table } from '#runtime-linux/oci/list.js';
import { logEntry } from '#runtime-linux/oci/log.js';
import { main } from '#runtime-linux/oci/main.js';
import { execProcess } from '#runtime-linux/oci/process.js';
import { buildProgram, globalsOf } from '#runtime-linux/oci/program.js';
import { rowsOf } from '#runtime-linux/oci/ps.js';
import { resourcesOf } from '#runtime-linux/oci/update.js';
import { StepError } from '#runtime-linux/link/failure.js';

const time = new Date(0);

test('a log entry is one line of JSON, or of text', (t) => {
  t.deepEqual(JSON.parse(logEntry('json', { level: 'error', message: 'a "b"\nc', time })), { level: 'error', msg: 'a "b"\nc', time: '1970-01-01T00:00:00.000Z' });
  t.is(logEntry('text', { level: 'warning', message: 'a "b"\nc', time }), 'time="1970-01-01T00:00:00.000Z" level=warning msg="a \\"b\\"\\nc"\n');
});

const steps: Record<string, readonly [failure: { step: string; errno: number; message: string }, command: string, words: RegExp]> = {
  'a name that is nowhere': [{ step: 'lookup', errno: 2, message: '' }, 'foo', /exec: "foo": executable file not found in \$PATH$/],
  'a path that is not there': [{ step: 'exec', errno: 2, message: '' }, '/foo', /exec: "\/foo": stat \/foo: no such file or directory$/],
  'what may not be executed': [{ step: 'exec', errno: 13, message: '' }, '/etc', /exec: "\/etc": permission denied$/],
  'any other step': [{ step: 'mount', errno: 20, message: 'cannot mount /x' }, 'foo', /: mount: cannot mount \/x \(ENOTDIR\)$/],
};
for (const [name, [failure, command, words]] of Object.entries(steps)) {
  test(`the words for ${name}`, (t) => t.regex(startFailure(new StepError(failure), command).message, words));
}

test('a cgroup path is absolute, and never leads out', (t) => {
  const of = (path: string | undefined, systemd = false): string => cgroupPath(path, { id: 'c1', systemd });
  t.is(of(undefined), '/c1');
  t.is(of('a/b/'), '/a/b');
  t.is(of('/a//b'), '/a/b');
  t.is(of('../../a'), '/a');
  t.throws(() => of('/'));
  t.throws(() => of('a/..'));
  t.is(of('system.slice:core:c1', true), '/system.slice/core-c1.scope');
  t.is(of('a-b.slice:libpod:c1', true), '/a.slice/a-b.slice/libpod-c1.scope');
  t.is(of('-.slice::c1', true), '/c1.scope');
  t.is(of('', true), '/system.slice/c1.scope');
  for (const bad of ['a:b', 'a.slice:b:', 'a.slice:../b:c', 'a--b.slice:x:y', 'nope:x:y']) t.throws(() => of(bad, true), undefined, bad);
});

test('a hook gets the state with the pid put in between', (t) => {
  const [step] = hookSteps([{ path: '/bin/x', timeout: 3 }], { state: { id: 'c1', pid: 0, status: 'creating' }, inherited: ['A=b'] });
  const [op, path, argv, env, seconds, head, tail] = step ?? [];
  t.deepEqual([op, path, argv, env, seconds], ['hook', '/bin/x', ['/bin/x'], ['A=b'], 3]);
  t.deepEqual(JSON.parse(`${head}42${tail}`), { id: 'c1', pid: 42, status: 'creating' });
});

test('an exec keeps what its flags do not replace', (t) => {
  const base = { user: { uid: 5, gid: 6, additionalGids: [7] }, args: ['x'], env: ['A=1'], cwd: '/w', capabilities: { bounding: ['CAP_KILL'] } };
  const flags = { env: ['B=2'], tty: true, additionalGids: [8], cap: ['CAP_CHOWN'], noNewPrivs: true, user: '9' };
  t.deepEqual(execProcess(base, { args: ['y', 'z'], flags }), {
    user: { uid: 9, gid: 6, additionalGids: [7, 8] }, args: ['y', 'z'], env: ['A=1', 'B=2'], cwd: '/w', terminal: true, noNewPrivileges: true,
    capabilities: { bounding: ['CAP_KILL', 'CAP_CHOWN'], effective: ['CAP_CHOWN'], permitted: ['CAP_CHOWN'] },
  });
  t.throws(() => execProcess(base, { args: ['y'], flags: { ...flags, user: 'root' } }), { message: /uid/ });
  t.throws(() => execProcess(base, { args: [], flags }), { message: /args cannot be empty/ });
});

test('ps keeps the head and the lines of the container, whatever column PID is', (t) => {
  t.deepEqual(rowsOf('UID PID CMD\nroot 12 a\nroot 123 b 12\n', new Set([12])), ['UID PID CMD', 'root 12 a']);
  t.throws(() => rowsOf('UID CMD\n', new Set([1])), { message: /PID/ });
});

test('a table is as wide as its longest cell', (t) => {
  t.is(table([['ID', 'PID'], ['longer', '1']]), 'ID       PID\nlonger   1\n');
});

test("a caller's sockets are handed on, unless meant for another", (t) => {
  t.is(listenFds({ LISTEN_FDS: '2' }), 2);
  t.is(listenFds({ LISTEN_FDS: '2', LISTEN_PID: String(process.pid) }), 2);
  t.is(listenFds({ LISTEN_FDS: '2', LISTEN_PID: '1' }), 0);
  t.is(listenFds({ LISTEN_FDS: 'x' }), 0);
});

test('options stand before the command, and a command keeps its own', async (t) => {
  const program = buildProgram({ exitCode: 0 });
  program.configureOutput({ writeErr: () => {} });
  await t.throwsAsync(program.parseAsync(['node', 'core-oci', '--root', '/r', '--log', '/l', '--log-format', 'json', '--cgroup-manager', 'systemd', 'nope']), { code: 'commander.unknownCommand' });
  t.deepEqual(globalsOf(program), { root: '/r', log: '/l', logFormat: 'json', systemdCgroup: true });
});


test('update takes what is given, and nothing else', (t) => {
  t.deepEqual(resourcesOf({}), {});
  t.deepEqual(resourcesOf({ memory: '64m', memorySwap: '-1', cpuQuota: '-1', cpusetCpus: '0', pidsLimit: '5', blkioWeight: '100' }), {
    memory: { limit: 64 * 2 ** 20, swap: -1 }, cpu: { quota: -1, cpus: '0' }, pids: { limit: 5 }, blockIO: { weight: 100 },
  });
  for (const bad of ['x', '', '1.5']) t.throws(() => resourcesOf({ pidsLimit: bad }), { message: /must be a whole number/ }, bad);
});

const refused: Record<string, readonly [args: readonly string[], words: RegExp]> = {
  'a command nobody knows': [['nope'], /^unknown command 'nope'/],
  'a flag nobody knows': [['state', '--nope', 'c1'], /^unknown option '--nope'/],
  'an id that is missing': [['start'], /^missing required argument 'id'/],
  'pages on demand': [['checkpoint', '--lazy-pages', '--image-path', '/x', 'c1'], /^--lazy-pages is not supported/],
  'a page server without a port': [['checkpoint', '--page-server', 'here', 'c1'], /ADDRESS:PORT/],
  'a terminal to bring back': [['restore', '--console-socket', '/x', 'c1'], /^cannot restore a container with a terminal/],
  'a mode nobody knows': [['restore', '--manage-cgroups-mode', 'some', 'c1'], /Allowed choices are soft/],
};
for (const [name, [args, words]] of Object.entries(refused)) {
  test.serial(`${name} is refused, in the log too`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'oci-texts-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const log = join(folder, 'log');
    t.is(await main(['node', 'core-oci', '--root', folder, '--log', log, '--log-format', 'json', ...args]), 1);
    t.regex((JSON.parse(readFileSync(log, 'utf8')) as { msg: string }).msg, words);
  });
}
