/** The `network` step: a program beside the container, which is ready before it starts and ends with it, whoever dies. Needs root. */
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { CLONE } from '#runtime-linux/constants.js';
import { StepError } from '#runtime-linux/link/failure.js';
import { declareUnless } from '../../helpers/declare.js';
import { processesWith as findProcesses } from '../../helpers/proc.js';
import { Executor, NAMESPACES, eventually, isAlive, lacking, type Wish } from './support.js';

const run = declareUnless(lacking);

const withExecutor = test.macro({
  title: (name) => `network: ${name}`,
  async exec(t: ExecutionContext, body: (executor: Executor, t: ExecutionContext) => Promise<void>) {
    await body(await Executor.start(t), t);
  },
});

/** A shell as the program; `$0` is where it finds the namespace. */
function wish(script: string, { says = false, argv = ['sleep', '1000'] }: { readonly says?: boolean; readonly argv?: readonly string[] } = {}): Wish {
  return { argv, clone: NAMESPACES & ~CLONE.NEWNET, prepare: [['network', 200, ['/bin/sh', '-c', script, '@netns'], says]], first: [['setns', 200, CLONE.NEWNET]] };
}

/** Pids of the processes that were given this word. */
function processesWith(word: string): number[] {
  return findProcesses((other) => other === word);
}

/** Unlike any other of the machine. */
const marker = (name: string): string => `1000.${process.pid}${name}`;

for (const [name, says, script] of [
  ['one that goes to the background', false, (time: string) => `sleep ${time} & exit 0`],
  ['one that says when it is ready', true, (time: string) => `echo r >&3; exec 3>&-; exec sleep ${time}`],
] as const) {
  run(`${name} lives as long as the container, and no longer`, withExecutor, async (executor, t) => {
    const time = marker(says ? '1' : '2');
    const { pid } = await executor.startContainer('c1', wish(script(time), { says }));
    const [program = 0] = processesWith(time);
    t.true(isAlive(program));
    t.is(readlinkSync(`/proc/${program}/ns/net`), readlinkSync('/proc/self/ns/net'), 'its own network is the machine\'s');
    t.not(readlinkSync(`/proc/${pid}/ns/net`), readlinkSync('/proc/self/ns/net'));
    process.kill(pid, 'SIGKILL');
    await executor.notice('gone', 'c1');
    t.deepEqual(processesWith(time), []);
  });
}

run('it finds the namespace of the container by name, and nobody else does', withExecutor, async (executor, t) => {
  const out = `${executor.folder}/seen`;
  const { pid } = await executor.startContainer('c1', wish(`stat -L -c %i "$0" > ${out}; echo "$0" >> ${out}`));
  const [inode, name = ''] = readFileSync(out, 'utf8').split('\n');
  t.is(`net:[${inode}]`, readlinkSync(`/proc/${pid}/ns/net`));
  t.is(name, `${executor.run}/c1/netns`);
  t.false(existsSync(name));
});

run('kill -9 of the monitor ends it', withExecutor, async (executor, t) => {
  const time = marker('3');
  await executor.startContainer('c1', wish(`setsid sleep ${time} & exit 0`));
  t.is(processesWith(time).length, 1);
  process.kill(executor.record('c1', 'state')['monitor'] as number, 'SIGKILL');
  await executor.notice('gone', 'c1');
  t.true(await eventually(() => processesWith(time).length === 0));
});

run('kill -9 of the executor that holds a lease ends it', withExecutor, async (executor, t) => {
  const time = marker('4');
  const { pid } = await executor.startContainer('c1', wish(`sleep ${time} & exit 0`));
  executor.connection.close();
  t.true(await eventually(() => !isAlive(pid) && processesWith(time).length === 0));
});

for (const [name, script, says, why] of [
  ['fails', 'echo why not >&2; sleep 1000 & exit 3', false, /\/bin\/sh: why not/],
  ['ends without a word', 'echo nothing to say >&2', true, /nothing to say/],
] as const) {
  run(`a program that ${name} fails the start, and leaves nothing`, withExecutor, async (executor, t) => {
    const error = await t.throwsAsync(executor.startContainer('c1', wish(script, { says })), { instanceOf: StepError });
    t.is(error?.failure.step, 'network');
    t.regex(error?.failure.message ?? '', why);
    t.deepEqual(readdirSync(executor.run).filter((entry) => entry === 'c1'), []);
  });
}

run('after a start that fails later it is ended', withExecutor, async (executor, t) => {
  const time = marker('5');
  await t.throwsAsync(executor.startContainer('c1', wish(`sleep ${time} & exit 0`, { argv: ['/no/such'] })));
  t.true(await eventually(() => processesWith(time).length === 0));
});

run('what it leaves open of the monitor is nothing', withExecutor, async (executor, t) => {
  const out = `${executor.folder}/fds`;
  await executor.startContainer('c1', wish(`ls -l /proc/$$/fd > ${out}`));
  const open = readFileSync(out, 'utf8').split('\n').filter((line) => line.includes('->')).map((line) => line.split(' ').at(-3));
  t.deepEqual(open.filter((fd) => Number(fd) > 2), []);
});
