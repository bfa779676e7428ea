import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../helpers/folder.js';

const core = fileURLToPath(new URL('../../../../core/bin/core.mjs', import.meta.url));
const fake = fileURLToPath(new URL('../../../../plugins/runtime-fake/dist/index.js', import.meta.url));

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Running {
  /** Resolves once what it wrote contains the text. */
  says(text: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
  readonly result: Promise<Result>;
}

interface Bed {
  readonly folder: string;
  readonly socket: string;
  start(...args: string[]): Running;
  run(...args: string[]): Promise<Result>;
  /** Nothing private is left. */
  assertClean(): void;
}

/** A plugin set on the fake, and `core run` on it. */
function makeBed(t: ExecutionContext, set: object, config: object = {}): Bed {
  const folder = temporaryFolder(t);
  const [root, runRoot, file] = [join(folder, 'root'), join(folder, 'run'), join(folder, 'set.json')];
  writeFileSync(file, JSON.stringify({ plugins: [{ module: fake, config }], root, runRoot, ...set }));
  const start = (...args: string[]): Running => startCore(t, ['run', file, ...args]);
  return {
    folder,
    socket: join(runRoot, 'core.sock'),
    start,
    run: (...args) => start(...args).result,
    assertClean: () => {
      t.deepEqual(readdirSync(join(root, 'ephemeral')), []);
      t.deepEqual(readdirSync(join(runRoot, 'e')), []);
    },
  };
}

function startCore(t: ExecutionContext, args: readonly string[]): Running {
  const child = spawn(process.execPath, [core, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] } });
  t.teardown(() => child.kill('SIGKILL'));
  const written = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      written[stream] += text;
      for (const check of listeners) check();
    });
  }
  return {
    says: (text) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!(written.stdout + written.stderr).includes(text)) return;
          listeners.delete(check);
          resolve();
        };
        listeners.add(check);
        check();
      }),
    signal: (name) => void child.kill(name),
    result: new Promise((resolve) => child.on('close', (code) => resolve({ code, ...written }))),
  };
}

const shell = (text: string): object => ({ image: 'host', command: ['sh', '-c', text] });

test.serial('one container: its output as it is, its exit code, and nothing left', async (t) => {
  const bed = makeBed(t, { run: { job: shell('echo out; echo err >&2; exit 3') } });
  t.deepEqual(await bed.run(), { code: 3, stdout: 'out\n', stderr: 'err\n' });
  bed.assertClean();
});

test.serial('several containers: a name before each line, and the first code that is not 0', async (t) => {
  const bed = makeBed(t, { run: [{ ...shell('echo one'), name: 'a' }, { ...shell('echo two; exit 4'), name: 'long' }, { ...shell('exit 5'), name: 'c' }] });
  const { code, stdout } = await bed.run();
  t.is(code, 4);
  t.deepEqual(stdout.split('\n').sort(), ['', 'a    | one', 'long | two']);
  bed.assertClean();
});

test.serial('with --json every line is an object', async (t) => {
  const { stdout } = await makeBed(t, { run: { job: shell('echo out') } }).run('--json');
  t.like(JSON.parse(stdout), { container: 'job', stream: 'stdout', line: 'out' });
});

test.serial('a container starts after those it names', async (t) => {
  const probe = join(temporaryFolder(t), 'order.mjs');
  writeFileSync(probe, `export default { name: 'order', version: '1.0.0', api: 1, needs: {}, provides: {}, permissions: ['hooks:container.started'], config: undefined,
    setup({ hooks }) { hooks.container.started.tap({}, ({ name }) => { console.log('started ' + name); }); } };`);
  const run = { web: { ...shell('sleep 0'), after: ['db', 'cache'] }, db: { ...shell('sleep 0'), after: ['cache'] }, cache: shell('sleep 0') };
  const { stdout } = await makeBed(t, { plugins: [fake, probe], run }).run();
  t.deepEqual(stdout.split('\n'), ['started cache', 'started db', 'started web', '']);
});

test.serial('a command that is not there is 127, as with docker; one that does not start leaves nothing', async (t) => {
  const bed = makeBed(t, { run: { good: shell('sleep 100'), bad: { image: 'host', command: ['no-such-program'], after: ['good'] } } });
  const { code, stderr } = await bed.run();
  t.is(code, 127);
  t.regex(stderr, /no-such-program/);
  bed.assertClean();
});

test.serial('our own failures are 125, with every fault', async (t) => {
  const bed = makeBed(t, { servee: true, run: { job: { ...shell('true'), memory: '1k' } } });
  const { code, stdout, stderr } = await bed.run();
  t.deepEqual([code, stdout], [125, '']);
  t.regex(stderr, /run\.job\.memory: /);
  t.regex(stderr, /servee: .*did you mean "serve"/);
  const json = JSON.parse((await bed.run('--json')).stderr) as { error: { code: string; issues: Array<{ path: string }> } };
  t.deepEqual([json.error.code, json.error.issues.map(({ path }) => path)], ['E_INVALID', ['run.job.memory', 'servee']]);
  t.false(existsSync(join(bed.folder, 'root')), 'nothing was touched');
});

test.serial('a set that gives nothing to do is a mistake', async (t) => {
  const { code, stderr } = await makeBed(t, {}).run();
  t.is(code, 125);
  t.regex(stderr, /"serve": true/);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test.serial(`${signal} stops the containers, shows what they still say, and leaves nothing`, async (t) => {
    const bed = makeBed(t, { run: { a: shell('echo up; sleep 100'), b: shell('sleep 100') } });
    const running = bed.start();
    await running.says('a | up');
    running.signal(signal);
    t.is((await running.result).code, 143);
    bed.assertClean();
  });
}

test.serial('a second Ctrl-C does not wait for the patience of the first, and leaves nothing either', async (t) => {
  const bed = makeBed(t, { run: { job: { ...shell('echo up; sleep 100'), stopTimeout: 3600 } } }, { ignoreSignals: ['SIGTERM'] });
  const running = bed.start();
  await running.says('up');
  running.signal('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 100));
  running.signal('SIGINT');
  t.is((await running.result).code, 137);
  bed.assertClean();
});

test.serial('an interrupt while a container starts undoes the start', async (t) => {
  const probe = join(temporaryFolder(t), 'probe.mjs');
  writeFileSync(probe, `export default { name: 'probe', version: '1.0.0', api: 1, needs: {}, provides: {}, permissions: ['hooks:container.assemble'], config: undefined,
    setup({ hooks }) { hooks.container.assemble.tap({}, () => { console.log('starting'); }); } };`);
  const bed = makeBed(t, { plugins: [{ module: fake, config: { startBlockMs: 3_600_000 } }, probe], run: { job: shell('true') } });
  const running = bed.start();
  await running.says('starting');
  running.signal('SIGINT');
  t.is((await running.result).code, 130);
  bed.assertClean();
});

test.serial('a kernel that serves stays, answers others, and goes when told', async (t) => {
  const bed = makeBed(t, { serve: true, run: { web: shell('sleep 100'), job: shell('exit 9') } });
  const running = bed.start();
  await running.says(`ready at ${bed.socket}`);
  const listed = await startCore(t, ['--socket', bed.socket, 'ps', '--json', '--all']).result;
  const containers = JSON.parse(listed.stdout) as Array<{ name: string; state: string }>;
  t.deepEqual(containers.map(({ name }) => name).sort(), ['job', 'web']);
  running.signal('SIGTERM');
  t.is((await running.result).code, 0);
  t.false(existsSync(bed.socket));
});

test.serial('a second kernel on the same root is refused with the pid of the first', async (t) => {
  const bed = makeBed(t, { serve: true });
  const first = bed.start();
  await first.says('ready');
  const { code, stderr } = await bed.run();
  t.is(code, 125);
  t.regex(stderr, /owned by the kernel with pid \d+/);
  first.signal('SIGTERM');
  t.is((await first.result).code, 0);
});

test.serial('a plugin that needs the engine makes the kernel stay', async (t) => {
  const door = join(temporaryFolder(t), 'door.mjs');
  const plugin = fileURLToPath(new URL('../../../../core/dist/plugin.js', import.meta.url));
  writeFileSync(door, `import { definePlugin, Engine } from ${JSON.stringify(plugin)};
    export default definePlugin({ name: 'door', version: '1.0.0', api: 1, needs: { engine: Engine }, setup() {} });`);
  const running = makeBed(t, { plugins: [fake, door] }).start();
  await running.says('ready');
  running.signal('SIGINT');
  t.is((await running.result).code, 0);
});

test.serial('a script gets the engine and its arguments; its exit code is ours', async (t) => {
  const bed = makeBed(t, { run: { web: shell('sleep 100') } });
  const script = join(bed.folder, 'job.mts');
  const index = fileURLToPath(new URL('../../../../core/dist/index.js', import.meta.url));
  writeFileSync(script, `import { attach } from ${JSON.stringify(index)};
    const { engine, close } = await attach();
    const names: string[] = (await engine.containers.list({})).map(({ name }) => name);
    console.log(JSON.stringify([names, process.argv.slice(2)]));
    await close();
    process.exitCode = 6;`);
  const { code, stdout, stderr } = await bed.run(script, '--', 'one', '--two');
  t.deepEqual([code, stdout, stderr], [6, '[["web"],["one","--two"]]\n', '']);
  bed.assertClean();
});

test.serial('drivers in a process of their own serve as well', async (t) => {
  const bed = makeBed(t, { plugins: [{ module: fake, isolation: 'process' }], run: { job: shell('echo apart; exit 2') } });
  t.like(await bed.run(), { code: 2, stdout: 'apart\n' });
  bed.assertClean();
});
