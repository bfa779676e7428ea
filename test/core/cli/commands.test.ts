import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { ContainerDetails, ContainerInfo, LogEntry } from '#core/contracts/index.js';
import { commands } from '#core/cli/commands.js';
import { temporaryFolder } from '../../helpers/folder.js';
import { runCore, servedKernel } from '../../helpers/served-kernel.js';

const SLEEP = ['sleep', 'infinity'];

test('ps lists what runs, with --all what has ended too, the newest first', async (t) => {
  const { kernel, core } = await servedKernel(t);
  await kernel.engine.containers.run({ image: 'host', name: 'one', command: SLEEP, labels: { tier: 'web' } });
  const two = await kernel.engine.containers.run({ image: 'host', name: 'two', command: ['sh', '-c', 'exit 3'] });
  await kernel.engine.containers.wait({ container: 'two' });
  t.regex((await core(['ps'])).stdout, /^ID +NAME +IMAGE +COMMAND +STATE +AGE\n[0-9a-f]{12} +one +host +sleep infinity +running +\d+s\n$/);
  t.deepEqual((await core(['ps', '-aq'])).stdout.split('\n').slice(0, 1), [two.id]);
  t.regex((await core(['ps', '-a'])).stdout, /two .* exited \(3\)/);
  const listed = JSON.parse((await core(['ps', '--json', '--label', 'tier=web'])).stdout) as ContainerInfo[];
  t.deepEqual(listed.map(({ name, state }) => [name, state]), [['one', 'running']]);
});

test('logs go to where they were written; a tail, timestamps, JSON lines', async (t) => {
  const { kernel, core } = await servedKernel(t);
  await kernel.engine.containers.run({ image: 'host', name: 'talker', command: ['sh', '-c', 'echo one; echo two >&2; echo three'] });
  await kernel.engine.containers.wait({ container: 'talker' });
  t.deepEqual(await core(['logs', 'talker']), { code: 0, stdout: 'one\nthree\n', stderr: 'two\n' });
  t.deepEqual(await core(['logs', '--tail', '1', 'talker']), { code: 0, stdout: 'three\n', stderr: '' });
  t.regex((await core(['logs', '-t', 'talker'])).stdout, /^\d{4}-\d\d-\d\dT[\d:.]+\S+ one\n/);
  const lines = (await core(['logs', '--json', 'talker'])).stdout.trim().split('\n').map((line) => JSON.parse(line) as LogEntry);
  t.deepEqual(lines.map(({ line, stream }) => [line, stream]), [['one', 'stdout'], ['two', 'stderr'], ['three', 'stdout']]);
});

test('logs --follow ends with the container', async (t) => {
  const { kernel, core } = await servedKernel(t);
  await kernel.engine.containers.run({ image: 'host', name: 'slow', command: ['sh', '-c', 'echo early; sleep 0.3; echo late'] });
  t.is((await core(['logs', '-f', 'slow'])).stdout, 'early\nlate\n');
});

const execs: Array<{ title: string; args: string[]; input?: string; code: number; stdout?: string; stderr?: RegExp }> = [
  { title: 'output and success', args: ['web', 'echo', 'a  b', '--json'], code: 0, stdout: 'a  b --json\n' },
  { title: 'the exit code', args: ['web', 'sh', '-c', 'exit 42'], code: 42 },
  { title: 'stdin with -i', args: ['-i', 'web', 'cat'], input: 'typed', code: 0, stdout: 'typed' },
  { title: 'no stdin without -i', args: ['web', 'cat'], input: 'typed', code: 0, stdout: '' },
  { title: 'environment', args: ['-e', 'A=1', '--env', 'B=x=y', 'web', 'env'], code: 0, stdout: 'A=1\nB=x=y\n' },
  { title: 'a command that is not there', args: ['web', 'nosuch'], code: 127, stderr: /^core: .*nosuch/ },
  { title: 'a container that is not there', args: ['nosuch', 'true'], code: 125, stderr: /^core: .*nosuch.*\nhint: / },
  { title: 'no command', args: ['web'], code: 125, stderr: /missing required argument 'command'/ },
  { title: 'events as JSON', args: ['--json', 'web', 'echo', 'x'], code: 0 },
];
for (const { title, args, input, code, stdout, stderr } of execs) {
  test(`exec: ${title}`, async (t) => {
    const { kernel, core } = await servedKernel(t);
    await kernel.engine.containers.run({ image: 'host', name: 'web', command: SLEEP });
    const result = await core(['exec', ...args], input);
    t.is(result.code, code, result.stderr);
    if (stdout !== undefined) t.true(result.stdout.endsWith(stdout), result.stdout);
    if (stderr) t.regex(result.stderr, stderr);
    else t.is(result.stderr, '');
  });
}

test('exec --json gives one object per event', async (t) => {
  const { kernel, core } = await servedKernel(t);
  await kernel.engine.containers.run({ image: 'host', name: 'web', command: SLEEP });
  const events = (await core(['exec', '--json', 'web', 'echo', 'x'])).stdout.trim().split('\n').map((line) => JSON.parse(line) as { type: string; data?: string; exitCode?: number });
  t.deepEqual(events.map(({ type }) => type), ['started', 'stdout', 'exit']);
  t.is(events[1]?.data, 'x\n');
  t.is(events[2]?.exitCode, 0);
});

test('attach feeds stdin and ends with the code of the container', async (t) => {
  const { kernel, core } = await servedKernel(t);
  await kernel.engine.containers.run({ image: 'host', name: 'echoing', command: ['cat'], stdin: true });
  const attached = core(['attach', 'echoing'], 'to the container\n');
  for await (const { line } of kernel.engine.containers.logs({ container: 'echoing', follow: true })) if (line === 'to the container') break;
  await kernel.engine.containers.kill({ container: 'echoing' });
  t.deepEqual(await attached, { code: 137, stdout: 'to the container\n', stderr: '' });
});

test('pause, resume, stop, rm: each says whom it was done to', async (t) => {
  const { kernel, core } = await servedKernel(t);
  for (const name of ['a', 'b']) await kernel.engine.containers.run({ image: 'host', name, command: SLEEP });
  const state = async (name: string): Promise<string> => (await kernel.engine.containers.inspect({ container: name })).state;
  t.deepEqual(await core(['pause', 'a', 'b']), { code: 0, stdout: 'a\nb\n', stderr: '' });
  t.is(await state('b'), 'paused');
  t.is((await core(['resume', 'a', 'b'])).code, 0);
  t.is(await state('b'), 'running');
  t.is((await core(['rm', 'a'])).code, 125);
  t.is(await state('a'), 'running');
  t.is((await core(['stop', 'a'])).stdout, 'a\n');
  t.is(await state('a'), 'exited');
  t.is((await core(['rm', 'a'])).code, 0);
  t.is((await core(['rm', '-f', 'b', 'nosuch'])).code, 0);
  t.deepEqual(await kernel.engine.containers.list({ all: true }), []);
});

test('one that fails does not keep the others from being done', async (t) => {
  const { kernel, core } = await servedKernel(t);
  await kernel.engine.containers.run({ image: 'host', name: 'a', command: SLEEP });
  const { code, stdout, stderr } = await core(['kill', 'nosuch', 'a']);
  t.is(code, 125);
  t.is(stdout, 'a\n');
  t.regex(stderr, /nosuch/);
  const json = JSON.parse((await core(['rm', '--json', 'nosuch', 'a'])).stdout) as Array<{ name: string; error?: { code: string } }>;
  t.deepEqual(json.map(({ name, error }) => [name, error?.code]), [['nosuch', 'E_NOT_FOUND'], ['a', undefined]]);
});

test('kill sends the signal that is named', async (t) => {
  const { kernel, core } = await servedKernel(t);
  await kernel.engine.containers.run({ image: 'host', name: 'a', command: SLEEP });
  t.is((await core(['kill', '--signal', 'SIGTERM', 'a'])).code, 0);
  t.is((await kernel.engine.containers.wait({ container: 'a' })).signal, 'SIGTERM');
});

test('update changes limits, and wants at least one', async (t) => {
  const { kernel, core } = await servedKernel(t);
  await kernel.engine.containers.run({ image: 'host', name: 'a', command: SLEEP, memory: '64m' });
  t.is((await core(['update', '--memory', '128m', '--pids', '-1', 'a'])).code, 0);
  const [details] = JSON.parse((await core(['inspect', 'a'])).stdout) as ContainerDetails[];
  t.is(details?.settings?.memory, 128 * 1024 ** 2);
  t.is(details?.settings?.pids, -1);
  t.regex((await core(['update', 'a'])).stderr, /no limit was given/);
  t.regex((await core(['update', '--cpus', 'many', 'a'])).stderr, /must be a number/);
});

test('stats gives one reading without a terminal', async (t) => {
  const { kernel, core } = await servedKernel(t);
  await kernel.engine.containers.run({ image: 'host', name: 'a', command: SLEEP });
  t.regex((await core(['stats'])).stdout, /^ID +NAME +CPU +MEMORY .*\n[0-9a-f]{12} +a +[\d.]+% +\S+iB.*\n$/);
  const [reading] = JSON.parse((await core(['stats', '--json', 'a'])).stdout) as Array<{ name: string; cpuPercent: number }>;
  t.is(reading?.name, 'a');
  t.is(typeof reading?.cpuPercent, 'number');
});

test('hooks, plugins, images and version', async (t) => {
  const { core, kernel } = await servedKernel(t);
  t.regex((await core(['hooks'])).stdout, /^container\.spec +reduce/m);
  t.regex((await core(['plugins'])).stdout, /^operations .*engine@1 +runtime@1, image@1/m);
  await kernel.engine.images.ensure({ reference: 'host' });
  t.regex((await core(['images'])).stdout, /^host +host/m);
  t.is((JSON.parse((await core(['version', '--json'])).stdout) as { kernel: { pid: number } }).kernel.pid, process.pid);
});

test('without a kernel: what is wrong and the way out, at once', async (t) => {
  const socket = join(temporaryFolder(t), 'core.sock');
  const { code, stderr, stdout } = await runCore(['ps', '--socket', socket]);
  t.is(code, 125);
  t.is(stdout, '');
  t.regex(stderr, /^core: no kernel answers at .*core\.sock\nhint: Start one with `core run/);
  const json = JSON.parse((await runCore(['--socket', socket, '--json', 'ps'])).stderr) as { error: { code: string; hint: string; retryable: boolean } };
  t.is(json.error.code, 'E_UNREACHABLE');
  t.true(json.error.retryable);
});

const misuse: Array<{ args: string[]; stderr: RegExp }> = [
  { args: ['pss'], stderr: /^core: pss is no command\nhint: Did you mean `core ps`\?\n$/ },
  { args: ['frobnicate'], stderr: /^core: frobnicate is no command\nhint: `core help` lists them\.\n$/ },
  { args: ['constructor'], stderr: /is no command/ },
  { args: ['ps', '--al'], stderr: /unknown option '--al'[\s\S]*--all[\s\S]*hint: core ps --help/ },
  { args: ['--frob'], stderr: /unknown option --frob/ },
  { args: ['logs', '--tail', 'x', 'a'], stderr: /whole number/ },
  { args: ['logs', '--since', 'yesterday', 'a'], stderr: /must be a time/ },
  { args: ['ps', '--label', 'nokey'], stderr: /nokey is no label/ },
  { args: ['completion', 'tcsh'], stderr: /Choose bash, zsh or fish/ },
  { args: ['ps'], stderr: /CORE_HOST is tcp:/ },
];
for (const { args, stderr } of misuse) {
  test(`core ${args.join(' ')} is refused`, async (t) => {
    const result = await runCore(args, { env: { CORE_HOST: 'tcp://127.0.0.1:1' } });
    t.is(result.code, 125);
    t.regex(result.stderr, stderr);
  });
}

test('no colour where there is no terminal, nor with NO_COLOR', async (t) => {
  const { kernel } = await servedKernel(t);
  await kernel.engine.containers.run({ image: 'host', name: 'a', command: SLEEP });
  const ps = async (env: Record<string, string>): Promise<string> => (await runCore(['ps'], { env: { CORE_SOCK: kernel.socket, ...env } })).stdout;
  t.false((await ps({})).includes('\x1b'));
  t.true((await ps({ FORCE_COLOR: '1' })).includes('\x1b[32mrunning'));
  t.false((await ps({ FORCE_COLOR: '1', NO_COLOR: '1' })).includes('\x1b'));
});

for (const name of Object.keys(commands)) {
  test(`core ${name} --help and core help ${name} say the same`, async (t) => {
    const [long, short] = await Promise.all([runCore([name, '--help']), runCore(['help', name])]);
    t.is(long.code, 0);
    t.is(long.stdout, short.stdout);
    t.regex(long.stdout, new RegExp(`^Usage: core ${name}`));
  });
}

test('help lists every command', async (t) => {
  const { stdout } = await runCore(['help']);
  for (const name of Object.keys(commands)) t.regex(stdout, new RegExp(`^  ${name} `, 'm'));
});

test('plan prints the order of a set and why', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'set.json');
  const module = new URL('../../../../plugins/runtime-fake/dist/index.js', import.meta.url).pathname;
  await mkdir(folder, { recursive: true });
  await writeFile(file, JSON.stringify({ plugins: [module] }));
  const { stdout, stderr } = await runCore(['plan', file]);
  t.is(stderr, '');
  t.regex(stdout, /1 {2}runtime-fake\n +2 {2}operations\n/);
  t.regex(stdout, /operations +runtime@1 +runtime-fake +\S/);
  const json = JSON.parse((await runCore(['plan', '--json', file])).stdout) as { order: string[]; edges: Array<{ reason: string }> };
  t.deepEqual(json.order, ['runtime-fake', 'operations']);
  t.true(json.edges.every(({ reason }) => reason.length > 0));
});

test('plan tells every fault of a set with its place', async (t) => {
  const file = join(temporaryFolder(t), 'set.json');
  await writeFile(file, JSON.stringify({ plugins: ['./nosuch.js'], frob: 1 }));
  const { code, stderr } = await runCore(['plan', file]);
  t.is(code, 125);
  t.regex(stderr, /plugins\[0\]/);
  t.regex(stderr, /frob/);
});

const completions: Array<{ words: string[]; wanted: string[] }> = [
  { words: ['st'], wanted: ['stop', 'stats'] },
  { words: ['logs', '--fo'], wanted: ['--follow'] },
  { words: ['logs', 'we'], wanted: ['web', 'web2'] },
  { words: ['stop', 'web', 'we'], wanted: ['web2'] },
  { words: ['completion', ''], wanted: ['bash', 'zsh', 'fish'] },
  { words: ['nosuch', ''], wanted: [] },
];
for (const { words, wanted } of completions) {
  test(`completion of \`core ${words.join(' ')}\``, async (t) => {
    const { kernel, core } = await servedKernel(t);
    for (const name of ['web', 'web2']) await kernel.engine.containers.run({ image: 'host', name, command: SLEEP });
    const { stdout, code } = await core(['__complete', ...words]);
    t.is(code, 0);
    t.deepEqual(stdout.split('\n').filter(Boolean).map((line) => line.split('\t')[0]).sort(), [...wanted].sort());
  });
}

test('completion without a kernel is silent', async (t) => {
  const { code, stdout, stderr } = await runCore(['__complete', 'logs', ''], { env: { CORE_SOCK: join(temporaryFolder(t), 'x') } });
  t.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '', stderr: '' });
});

test('oci hands its words on as they are, options in front included', async (t) => {
  const root = join(temporaryFolder(t), 'none');
  const answer = await runCore(['oci', '--root', root, '--log-format', 'json', 'state', 'nobody']);
  t.is(answer.code, 1);
  t.like(JSON.parse(answer.stderr), { level: 'error', msg: 'container does not exist' });
  t.is((await runCore(['oci', 'features'])).code, 0);
});
