/** Exec, attach, terminals, input, logs: everything a monitor carries. Needs root. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { StepError } from '#runtime-linux/link/failure.js';
import { declareUnless } from '../../helpers/declare.js';
import { Executor, eventually, execPlan, isAlive, lacking, runExec, type Exit, type Ran } from './support.js';

const run = declareUnless(lacking);

type Body = (executor: Executor, t: ExecutionContext) => Promise<void>;

const streams = test.macro({
  title: (name) => `streams: ${name}`,
  async exec(t, body: Body) {
    await body(await Executor.start(t), t);
  },
});

const sleeper = { argv: ['sleep', '1000'] };
const inShell = (script: string): string[] => ['sh', '-c', script];

function result({ stdout, stderr, exit }: Ran): [string, string, number, number | undefined] {
  return [stdout, stderr, exit.exitCode, exit.signal];
}

run('an exec tells its output by stream and its status', streams, async (executor, t) => {
  await executor.startContainer('c1', sleeper);
  t.deepEqual(result(await runExec(executor, 'c1', execPlan('e', inShell('echo out; echo err >&2; exit 7')))), ['out\n', 'err\n', 7, undefined]);
  t.deepEqual(result(await runExec(executor, 'c1', execPlan('e', inShell('kill -9 $$')))), ['', '', 137, 9]);
});

run('an exec is in the namespaces of its container, and has no descriptor more', streams, async (executor, t) => {
  await executor.startContainer('c1', sleeper);
  const { stdout } = await runExec(executor, 'c1', execPlan('e', inShell('hostname; ls /proc/$$/fd; for n in mnt pid net uts ipc; do [ $(readlink /proc/1/ns/$n) = $(readlink /proc/self/ns/$n) ] && echo $n; done')));
  t.is(stdout, 'c1\n0\n1\n2\nmnt\npid\nnet\nuts\nipc\n');
});

run('an exec as a user, in a folder', streams, async (executor, t) => {
  await executor.startContainer('c1', sleeper);
  t.is((await runExec(executor, 'c1', execPlan('e', inShell('id -un; pwd; echo $HOME; grep CapBnd /proc/self/status | tr -d "\\t"'), { user: 'app', cwd: '/var/data' }))).stdout, 'app\n/var/data\n/home/app\nCapBnd:00000000a80425fb\n');
});

run('an exec of what is not there fails as step exec, and leaves no process', streams, async (executor, t) => {
  await executor.startContainer('c1', sleeper);
  const thrown = await t.throwsAsync(runExec(executor, 'c1', execPlan('e', ['nothing'])), { instanceOf: StepError });
  t.deepEqual([thrown?.failure.step, thrown?.errno], ['exec', 'ENOENT']);
  const { monitor } = executor.record('c1', 'state');
  t.is(readFileSync(`/proc/${monitor}/task/${monitor}/children`, 'utf8').trim().split(' ').length, 1);
  const badUser = await t.throwsAsync(runExec(executor, 'c1', execPlan('e', ['true'], { user: 'ghost' })), { instanceOf: StepError });
  t.is(badUser?.failure.step, 'user');
});

run('an exec with a plan of the wrong shape is refused with the index', streams, async (executor, t) => {
  await executor.startContainer('c1', sleeper);
  const thrown = await t.throwsAsync(runExec(executor, 'c1', { ...execPlan('e', ['true']), steps: [['session'], ['pivot'], ['exec', ['true'], []]] }), { instanceOf: StepError });
  t.deepEqual([thrown?.failure.step, thrown?.failure.index, thrown?.errno], ['pivot', 1, 'EINVAL']);
});

run('two execs of one id are refused', streams, async (executor, t) => {
  await executor.startContainer('c1', sleeper);
  await runExec(executor, 'c1', execPlan('same', ['sleep', '100']), async (connection) => {
    const thrown = await t.throwsAsync(runExec(executor, 'c1', execPlan('same', ['true'])), { instanceOf: StepError });
    t.is(thrown?.errno, 'EEXIST');
    await connection.request('signal', { exec: 'same', signal: 15 });
  });
});

run('the input of an exec, to its end', streams, async (executor, t) => {
  await executor.startContainer('c1', sleeper);
  const megabyte = Buffer.alloc(1 << 20, 'x');
  const ran = await runExec(executor, 'c1', execPlan('e', inShell('wc -c; echo done'), { stdin: true }), async (connection, seq) => {
    for (let at = 0; at < megabyte.length; at += 65536) await connection.send(seq, 'stdin', megabyte.subarray(at, at + 65536));
    await connection.send(seq, 'stdin', null);
  });
  t.is(ran.stdout, '1048576\ndone\n');
});

run('eight megabytes of output arrive whole', streams, async (executor, t) => {
  await executor.startContainer('c1', sleeper);
  const { stdout, exit } = await runExec(executor, 'c1', execPlan('e', inShell('head -c 8388608 /dev/zero | tr "\\0" y')));
  t.is(stdout.length, 8388608);
  t.is(exit.exitCode, 0);
});

run('a terminal: its name, size, resize, echo and hangup', streams, async (executor, t) => {
  await executor.startContainer('c1', sleeper);
  const ran = await runExec(executor, 'c1', execPlan('tty', inShell('tty; stty size; read x; stty size; echo "<$x>"'), { terminal: true, stdin: true, rows: 11, cols: 22 }), async (connection, seq) => {
    await sleep(200);
    await connection.request('resize', { exec: 'tty', rows: 44, cols: 55 });
    await connection.send(seq, 'stdin', Buffer.from('typed\n'));
  });
  t.is(ran.stdout, '/dev/pts/0\r\n11 22\r\ntyped\r\n44 55\r\n<typed>\r\n');
});

run("a container's own terminal", streams, async (executor, t) => {
  const { lines } = await executor.once('c1', { argv: inShell('tty; stty size; echo console > /dev/console; stat -c %t /dev/console'), io: { terminal: true, rows: 33, cols: 99 } });
  t.deepEqual(lines, ['/dev/pts/0\r', '33 99\r', 'console\r', '88\r']);
});

run('leaving an exec ends its process, unless it is detached', streams, async (executor, t) => {
  await executor.startContainer('c1', sleeper);
  const pids: number[] = [];
  for (const detach of [false, true]) {
    const connection = await executor.monitor('c1');
    const { pid } = (await connection.request('exec', execPlan(`e-${detach}`, ['sleep', '500'], { detach }))) as { pid: number };
    pids.push(pid);
    connection.close();
  }
  t.true(await eventually(() => !isAlive(pids[0] as number)));
  t.true(isAlive(pids[1] as number));
});

run('attach gives output from now on, feeds input, and ends with the status', streams, async (executor, t) => {
  await executor.startContainer('c1', { argv: inShell('echo early; while read x; do echo "got $x"; done; exit 5'), io: { stdin: true, stdinOnce: true } });
  await eventually(() => executor.log('c1').includes('early'));
  const connection = await executor.monitor('c1');
  const items: Array<[number, Uint8Array | Exit]> = [];
  let seq = 0;
  await connection.request('attach', { stdin: true }, { onItem: (item) => items.push(item as [number, Uint8Array]), onSent: (number) => (seq = number) });
  await connection.send(seq, 'stdin', Buffer.from('one\ntwo\n'));
  await connection.send(seq, 'stdin', null);
  await connection.closed;
  const output = items.filter(([stream]) => stream === 1).map(([, data]) => Buffer.from(data as Uint8Array).toString()).join('');
  t.is(output, 'got one\ngot two\n');
  t.deepEqual(items.at(-1), [0, { exitCode: 5 }]);
});

run('input stays open when one client leaves and stdinOnce is not set', streams, async (executor, t) => {
  await executor.startContainer('c1', { argv: ['cat'], io: { stdin: true } });
  for (const word of ['first', 'second']) {
    const connection = await executor.monitor('c1');
    let seq = 0;
    await connection.request('attach', { stdin: true }, { onSent: (number) => (seq = number) });
    await connection.send(seq, 'stdin', Buffer.from(`${word}\n`));
    await connection.send(seq, 'stdin', null);
    t.true(await eventually(() => executor.log('c1').includes(word)));
    connection.close();
  }
});

run('a client that takes nothing holds the container back, and loses nothing', streams, async (executor, t) => {
  await executor.startContainer('c1', { argv: inShell('read x; head -c 4000000 /dev/zero | tr "\\0" z; echo; echo end'), io: { stdin: true, log: null } });
  const connection = await executor.monitor('c1');
  let seq = 0;
  let size = 0;
  await connection.request('attach', { stdin: true }, { onItem: (item) => (size += (item as [number, Uint8Array])[1].length ?? 0), onSent: (number) => (seq = number) });
  await connection.send(seq, 'stdin', Buffer.from('go\n'));
  connection.pause();
  await sleep(1000);
  const held = size;
  connection.resume();
  await connection.closed;
  t.true(held < 4000000, `${held} bytes came through a closed door`);
  t.is(size, 4000005);
});

run('signals reach the first process, and one that is gone is no failure', streams, async (executor, t) => {
  await executor.startContainer('c1', { argv: inShell('trap "echo caught; exit 3" USR1; echo ready; while :; do sleep 0.05; done') });
  await eventually(() => executor.log('c1').includes('ready'));
  const connection = await executor.monitor('c1');
  await connection.request('signal', { signal: 10 });
  t.is((await executor.notice('exit', 'c1'))['exitCode'], 3);
  t.true(executor.log('c1').includes('caught'));
});

run('hello tells what runs, and then its end', streams, async (executor, t) => {
  const { pid } = await executor.startContainer('c1', sleeper);
  const notices: unknown[] = [];
  const connection = await (await import('./support.js')).connect(join(executor.run, 'c1', 'ctl'), (name, argument) => notices.push([name, argument]));
  t.deepEqual(await connection.request('hello', {}), { id: 'c1', pid, running: true });
  await connection.request('signal', { signal: 9 });
  await connection.closed;
  t.is(notices.length, 1);
  t.like(notices[0], ['exit', { id: 'c1', exitCode: 137, signal: 9, oomKilled: false }]);
});

run('the log: both streams, time, a last line without its end, long lines in parts', streams, async (executor, t) => {
  const { exit } = await executor.once('c1', { argv: inShell('echo one; echo two >&2; sleep 0.1; head -c 20000 /dev/zero | tr "\\0" a; echo; printf tail') });
  t.is(exit.exitCode, 0);
  const text = readFileSync(join(executor.folder, 'c1.log'), 'utf8');
  const lines = text.split('\n');
  t.is(lines.pop(), '');
  t.true(lines.every((line) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) [FP] /.test(line)));
  t.true(Math.abs(Date.parse((lines[0] as string).slice(0, 23) + 'Z') - Date.now()) < 60_000);
  const bodies = lines.map((line) => line.slice(31));
  t.deepEqual(new Set(bodies.slice(0, 2)), new Set(['stdout F one', 'stderr F two']));
  const long = bodies.filter((body) => body.includes('aaa'));
  t.deepEqual(long.map((body) => body.slice(0, 8)), ['stdout P', 'stdout F']);
  t.is(long.map((body) => body.slice(9)).join('').length, 20000);
  t.is(bodies.at(-1), 'stdout P tail');
});

run('a prompt without a newline is in the log soon, as a part', streams, async (executor, t) => {
  await executor.startContainer('c1', { argv: inShell('printf "name? "; sleep 100') });
  t.true(await eventually(() => executor.log('c1').includes('name? ')));
});

run('the log is rotated, whole lines in each file, and the oldest goes', streams, async (executor, t) => {
  const log = { path: join(executor.folder, 'c1.log'), maxBytes: 4000, maxFiles: 3 };
  await executor.once('c1', { argv: inShell('for i in $(seq 1 400); do echo "line $i of the log"; done'), io: { log } });
  const files = readdirSync(executor.folder).filter((name) => name.startsWith('c1.log')).sort();
  t.deepEqual(files, ['c1.log', 'c1.log.1', 'c1.log.2']);
  const lines = ['c1.log.2', 'c1.log.1', 'c1.log'].flatMap((name) => {
    const text = readFileSync(join(executor.folder, name), 'utf8');
    t.true(text.length <= 4000);
    return text.split('\n').filter(Boolean).map((line) => Number(line.split(' ')[4]));
  });
  t.is(lines.at(-1), 400);
  lines.forEach((number, i) => t.is(number, (lines[0] as number) + i));
});
