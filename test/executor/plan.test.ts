/** Plans of the wrong shape: each is refused by the executor's own door (`--check-plan`) with the list's step and index. Needs the built executor, no root. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import test from 'ava';
import { Packr } from 'msgpackr';
import { declareUnless } from '../helpers/declare.js';
import { executorBinary, minimalPlan } from '../helpers/executor-plan.js';

const packr = new Packr({ useRecords: false, variableMapSize: true });
const missing = existsSync(executorBinary) ? undefined : 'the executor is not built';
const run = declareUnless(missing);

interface Refusal {
  readonly step: string;
  readonly index?: number;
  readonly errno?: number;
  readonly says: RegExp;
}

const EINVAL = 22;
const EBADMSG = 74;

function check(bytes: Uint8Array): { status: number | null; stdout: string; signal: NodeJS.Signals | null } {
  const { status, stdout, signal } = spawnSync(executorBinary, ['--check-plan'], { input: bytes, encoding: 'utf8' });
  return { status, stdout: stdout.trim(), signal };
}

const refused = test.macro({
  title: (name) => `refused: ${name}`,
  exec(t, plan: unknown, { step, index = -1, errno = EINVAL, says }: Refusal) {
    if (missing) return t.fail(`cannot run here: ${missing}`);
    const answer = check(plan instanceof Uint8Array ? plan : packr.pack(plan));
    t.is(answer.signal, null);
    t.is(answer.status, 1, answer.stdout);
    t.true(answer.stdout.startsWith(`${step} ${index} ${errno} `), answer.stdout);
    t.regex(answer.stdout, says);
  },
});

const accepted = test.macro({
  title: (name) => `accepted: ${name}`,
  exec(t, plan: unknown) {
    if (missing) return t.fail(`cannot run here: ${missing}`);
    t.deepEqual(check(packr.pack(plan)), { status: 0, stdout: 'ok', signal: null });
  },
});

const exec = ['exec', ['/bin/true'], []];
const withSetup = (...steps: unknown[]): unknown => minimalPlan({ setup: [...steps, exec] });
const withPrepare = (...steps: unknown[]): unknown => minimalPlan({ prepare: steps });

run('the smallest plan', accepted, minimalPlan());
run('64-bit limits, by both signs of MessagePack', accepted, withSetup(['rlimit', 7, 1024n, 0xffff_ffff_ffff_ffffn]));
run('whole numbers that leave JavaScript as floats', accepted, withSetup(['rlimit', 7, 2 ** 40, 2 ** 40]));
run('undefined where an optional value may be', accepted, minimalPlan({ cgroup: undefined, oom: undefined }));
run('a time namespace without offsets', accepted, minimalPlan({ clone: 0x20080, timens: '' }));
run('the optional argument of write', accepted, withPrepare(['write', '/f', 'x', true], ['write', '/f', Buffer.from('x')]));
run('every slot there is', accepted, withPrepare(...Array.from({ length: 256 }, (_, slot) => ['open', slot, '/dev/null', 0])));

run('no map', refused, [1, 2], { step: 'plan', says: /must be a map/ });
run('nothing', refused, new Uint8Array(), { step: 'plan', errno: EBADMSG, says: /ends where a value belongs/ });
run('cut off', refused, packr.pack(minimalPlan()).subarray(0, 60), { step: 'plan', errno: EBADMSG, says: /ends/ });
run('bytes after its end', refused, Buffer.concat([packr.pack(minimalPlan()), Buffer.from([0])]), { step: 'plan', errno: EBADMSG, says: /1 bytes follow/ });
run('nested too deep', refused, Buffer.from([...Array<number>(40).fill(0x91), 0]), { step: 'plan', errno: EBADMSG, says: /deep/ });
run('a list that claims four billion items', refused, Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff, 0]), { step: 'plan', errno: EBADMSG, says: /inside a list/ });
run('a text that claims four billion bytes', refused, Buffer.from([0xdb, 0xff, 0xff, 0xff, 0xff, 0]), { step: 'plan', errno: EBADMSG, says: /inside a string/ });
run('an extension type', refused, Buffer.from([0xc7, 1, 5, 0]), { step: 'plan', errno: EBADMSG, says: /0xc7 is no type/ });
run('a broken number', refused, minimalPlan({ clone: 1.5 }), { step: 'plan', errno: EBADMSG, says: /not whole/ });

run('without an id', refused, minimalPlan({ id: undefined }), { step: 'plan', says: /"id"/ });
run('an id too long', refused, minimalPlan({ id: 'x'.repeat(129) }), { step: 'plan', says: /128/ });
run('a relative dir', refused, minimalPlan({ dir: 'run' }), { step: 'plan', says: /"dir" must be absolute/ });
run('a NUL in a path', refused, minimalPlan({ dir: '/run/a\0b' }), { step: 'plan', says: /"dir"/ });
run('flags that are no namespaces', refused, minimalPlan({ clone: 0x20000 | 0x100 }), { step: 'plan', says: /CLONE_NEW/ });
run('no mount namespace', refused, minimalPlan({ clone: 0x4000000 }), { step: 'plan', says: /CLONE_NEWNS/ });
run('a mount namespace that is made and joined', refused, minimalPlan({ enter: [[0, 0x20000]] }), { step: 'plan', says: /same namespace/ });
run('a mount namespace that is made and shared', refused, minimalPlan({ sharedMounts: true }), { step: 'plan', says: /sharedMounts/ });
run('a namespace to enter that is none', refused, minimalPlan({ enter: [[0, 1]] }), { step: 'plan', says: /"enter"/ });
run('a cgroup namespace at the clone', refused, minimalPlan({ clone: 0x2020000 }), { step: 'plan', says: /CLONE_NEWCGROUP/ });
run('a user namespace without maps', refused, minimalPlan({ clone: 0x10020000 }), { step: 'plan', says: /"userns"/ });
run('maps without a user namespace', refused, minimalPlan({ userns: ['0 0 1', '0 0 1'] }), { step: 'plan', says: /CLONE_NEWUSER/ });
run('one map for two', refused, minimalPlan({ clone: 0x10020000, userns: ['0 0 1'] }), { step: 'plan', says: /two texts/ });
run('mapped steps without maps', refused, minimalPlan({ mapped: [['tree', 0, '/x', true, true, false]] }), { step: 'plan', says: /"mapped"/ });
run('a time namespace without its text', refused, minimalPlan({ clone: 0x20080 }), { step: 'plan', says: /timens/ });
run('an oom version of 3', refused, minimalPlan({ oom: [3, '/x'] }), { step: 'plan', says: /"oom"/ });
run('no io', refused, minimalPlan({ io: undefined }), { step: 'plan', says: /"io"/ });
run('a log without limits', refused, minimalPlan({ io: { log: { path: '/l' } } }), { step: 'plan', says: /"maxBytes"/ });
run('a log of no files', refused, minimalPlan({ io: { log: { path: '/l', maxBytes: 1, maxFiles: 0 } } }), { step: 'plan', says: /"maxFiles"/ });
run('a relative log', refused, minimalPlan({ io: { log: { path: 'l', maxBytes: 1, maxFiles: 1 } } }), { step: 'plan', says: /absolute/ });
run('rows beyond 16 bits', refused, minimalPlan({ io: { rows: 70000, log: null } }), { step: 'plan', says: /"rows"/ });
run('groups that are numbers', refused, minimalPlan({ cgroups: [1] }), { step: 'plan', says: /"cgroups"/ });
run('a record of text', refused, minimalPlan({ record: 'x' }), { step: 'plan', says: /"record"/ });
run('a list of steps that is a map', refused, minimalPlan({ teardown: {} }), { step: 'plan', says: /"teardown"/ });

run('an unknown step', refused, withPrepare(['mkdir', '/x', 0o755], ['explode']), { step: 'plan', index: 1, says: /no step explode/ });
run('a step that is text', refused, withSetup('pivot'), { step: 'plan', index: 0, says: /must be a list/ });
run('an empty step', refused, withSetup([]), { step: 'plan', index: 0, says: /must be a list/ });
run("a child's step in prepare", refused, withPrepare(['pivot']), { step: 'pivot', index: 0, says: /does not belong/ });
run("a monitor's step in setup", refused, withSetup(['pivot'], ['mkdir', '/x', 0o755]), { step: 'mkdir', index: 1, says: /does not belong/ });
run('an fd opened in teardown', refused, minimalPlan({ teardown: [['open', 0, '/x', 0]] }), { step: 'open', index: 0, says: /does not belong/ });
run('too few arguments', refused, withPrepare(['mkdir', '/x']), { step: 'mkdir', index: 0, says: /more than 1/ });
run('too many arguments', refused, withSetup(['pivot', 1]), { step: 'pivot', index: 0, says: /takes 0 arguments, not 1/ });
run('a number for a path', refused, withPrepare(['mkdir', 7, 0o755]), { step: 'mkdir', index: 0, says: /argument 1/ });
run('a relative path', refused, withPrepare(['mkdir', 'x', 0o755]), { step: 'mkdir', index: 0, says: /argument 1/ });
run('a path with a NUL', refused, withPrepare(['rmdir', '/a\0b']), { step: 'rmdir', index: 0, says: /argument 1/ });
run('a slot out of range', refused, withPrepare(['open', 256, '/x', 0]), { step: 'open', index: 0, says: /argument 1/ });
run('a negative slot', refused, withPrepare(['open', -1, '/x', 0]), { step: 'open', index: 0, says: /argument 1/ });
run('the id that means "leave it"', refused, withPrepare(['chown', '/x', 0xffffffff, 0]), { step: 'chown', index: 0, says: /argument 2/ });
run('a mount option without a value', refused, withSetup(['fs', 0, 'tmpfs', [['size']], 0]), { step: 'fs', index: 0, says: /argument 3/ });
run('a filter cut short', refused, withSetup(['seccomp', Buffer.alloc(9), 0]), { step: 'seccomp', index: 0, says: /argument 1/ });
run('an empty filter', refused, withSetup(['seccomp', Buffer.alloc(0), 0]), { step: 'seccomp', index: 0, says: /argument 1/ });
run('a flag as a number', refused, withSetup(['cwd', '/', 1]), { step: 'cwd', index: 0, says: /argument 2/ });
run('no exec', refused, minimalPlan({ setup: [['pivot']] }), { step: 'plan', says: /last step must be exec/ });
run('an exec in the middle', refused, withSetup(['pivot'], exec), { step: 'plan', index: 1, says: /exec must be the last/ });
run('no command', refused, minimalPlan({ setup: [['exec', [], []]] }), { step: 'exec', index: 0, says: /no command/ });
run('a command with a NUL', refused, minimalPlan({ setup: [['exec', ['a\0b'], []]] }), { step: 'exec', index: 0, says: /argument 1/ });
