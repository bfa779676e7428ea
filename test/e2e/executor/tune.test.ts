/** The steps about how a process is run, seen from inside, and what the executor says of wrong ones. Needs root. */
import { existsSync } from 'node:fs';
import test from 'ava';
import { CLONE } from '#runtime-linux/constants.js';
import { StepError } from '#runtime-linux/link/failure.js';
import { declareUnless } from '../../helpers/declare.js';
import { Executor, NAMESPACES, execPlan, lacking, runExec, type Step, type Wish } from './support.js';

const run = declareUnless(lacking);

/** One word of a mask: the numbers below 64 in it. */
function mask(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(numbers.reduce((all, number) => all | (1n << BigInt(number)), 0n));
  return bytes;
}

const seen = test.macro({
  title: (name) => `inside: ${name}`,
  async exec(t, step: Step, script: string, says: RegExp) {
    const executor = await Executor.start(t);
    const { exit, lines } = await executor.once('c1', { inside: [step], argv: ['sh', '-c', script] });
    t.is(exit.exitCode, 0, lines.join('\n'));
    t.regex(lines.join('\n'), says);
  },
});

const SCHEDULED = 'set -- $(cat /proc/self/stat); echo ${19} ${40} ${41}';

run('personality', seen, ['personality', 8], 'uname -m', process.arch === 'x64' ? /^i686$/ : /./);
run('scheduler: idle', seen, ['scheduler', 5, 0, 0, 0, 0n, 0n, 0n], SCHEDULED, /^0 0 5$/);
run('scheduler: a nice value below zero', seen, ['scheduler', 0, 0, -7, 0, 0n, 0n, 0n], SCHEDULED, /^-7 0 0$/);
run('scheduler: first in, first out, with its priority', seen, ['scheduler', 1, 0, 0, 42, 0n, 0n, 0n], SCHEDULED, /^0 42 1$/);
run('scheduler: times of a deadline', seen, ['scheduler', 6, 1, 0, 0, 1_000_000n, 10_000_000n, 20_000_000n], 'cut -d" " -f41 /proc/1/stat', /^6$/);
run('ioprio', seen, ['ioprio', 2, 1], 'ionice', /prio 1$/);
run('affinity', seen, ['affinity', mask(0)], 'grep Cpus_allowed_list /proc/self/status', /\t0$/);
if (existsSync('/proc/self/numa_maps')) run('mempolicy', seen, ['mempolicy', 3, mask(0)], 'head -1 /proc/self/numa_maps', /interleave:0/);

const refused = test.macro({
  title: (name) => `refused: ${name}`,
  async exec(t, wish: Wish, says: RegExp) {
    const executor = await Executor.start(t);
    const thrown = await t.throwsAsync(executor.startContainer('c1', wish), { instanceOf: StepError });
    t.is(thrown?.errno, 'EINVAL');
    t.regex(`${thrown?.failure.step}: ${thrown?.failure.message}`, says);
    const { exit } = await executor.once('c2');
    t.is(exit.exitCode, 0, 'the executor goes on');
  },
});

run('a scheduler there is not', refused, { inside: [['scheduler', 77, 0, 0, 0, 0n, 0n, 0n]] }, /^scheduler: cannot set/);
run('no cpu at all', refused, { inside: [['affinity', mask()]] }, /^affinity: cannot choose/);
run('a step of another shape', refused, { inside: [['ioprio', 'best', 1]] }, /ioprio/);
run('a pid namespace that is new and joined', refused, { plan: { pidns: 3 } }, /^plan: .*new pid namespace/);
run('a pid namespace no step has opened', refused, { clone: NAMESPACES & ~CLONE.NEWPID, plan: { pidns: 3 } }, /^pidns: no step has filled/);

run('an exec is born on the cpus of its plan, and words that are none are refused', async (t) => {
  const executor = await Executor.start(t);
  await executor.startContainer('c1', { argv: ['sleep', '100'] });
  const argv = ['grep', 'Cpus_allowed_list', '/proc/self/status'];
  t.is((await runExec(executor, 'c1', execPlan('e1', argv, { affinity: mask(0) }))).stdout, 'Cpus_allowed_list:\t0\n');
  for (const affinity of [Buffer.alloc(0), Buffer.alloc(7), Buffer.alloc(2048), 'text']) {
    await t.throwsAsync(runExec(executor, 'c1', execPlan('e2', argv, { affinity })), { message: /"affinity" must be words/ });
  }
});
