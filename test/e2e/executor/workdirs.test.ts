/** The folders overlays work in: handed on where they are clean, and nowhere else. Needs root. */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { declareUnless } from '../../helpers/declare.js';
import { Executor, lacking } from './support.js';

const run = declareUnless(lacking);

interface Stage {
  readonly executor: Executor;
  readonly t: ExecutionContext;
  readonly home: string;
  /** Runs a container that works in `home/NAME`; answers with what the folder is. */
  readonly use: (name: string, argv?: readonly string[]) => Promise<number>;
  readonly give: (name: string) => Promise<unknown>;
}

/** The plan with another text wherever `old` stands. */
function inPlace(value: unknown, old: string, fresh: string): unknown {
  if (Array.isArray(value)) return value.map((part) => inPlace(part, old, fresh));
  if (typeof value === 'object' && value !== null && !Buffer.isBuffer(value)) return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, inPlace(part, old, fresh)]));
  return value === old ? fresh : value;
}

const handed = test.macro({
  title: (name) => `workdir: ${name}`,
  async exec(t, body: (stage: Stage) => Promise<void>) {
    const executor = await Executor.start(t);
    const home = join(executor.folder, 'work');
    mkdirSync(home);
    let serial = 0;
    const use: Stage['use'] = async (name, argv = ['true']) => {
      const id = `c${++serial}`;
      const plan = executor.plan(id, { argv, prepare: [['workdir', join(home, name)]] });
      await executor.request('start', inPlace(plan, join(executor.folder, id, 'work'), join(home, name)) as Record<string, unknown>);
      t.is((await executor.notice('exit', id))['exitCode'], 0);
      await executor.notice('gone', id);
      return statSync(join(home, name)).ino;
    };
    await body({ executor, t, home, use, give: (name) => executor.request('rmtree', { paths: [], workdirs: [join(home, name)] }) });
  },
});

run('an empty one goes to the next container, which can write', handed, async ({ t, home, use, give }) => {
  const first = await use('a', ['sh', '-c', 'echo x > /x; echo x >> /etc/passwd']);
  await give('a');
  t.deepEqual(readdirSync(home), ['.spare-0']);
  t.is(await use('b', ['sh', '-c', '! test -e /x && ! grep -q ^x$ /etc/passwd && echo y > /y && mv /y /z && rm /etc/passwd']), first);
  t.deepEqual(readdirSync(home), ['b']);
  // The kernel has put the mark of a removed file in it.
  await give('b');
  t.deepEqual(readdirSync(home), []);
});

run('several are kept, each given once', handed, async ({ t, home, use, give }) => {
  for (const name of ['a', 'b', 'c']) await use(name);
  for (const name of ['a', 'b', 'c']) await give(name);
  t.deepEqual(readdirSync(home).sort(), ['.spare-0', '.spare-1', '.spare-2']);
  const given = [await use('d'), await use('e')];
  t.is(new Set(given).size, 2);
  t.deepEqual(readdirSync(home).sort(), ['.spare-2', 'd', 'e']);
});

run('no more than sixteen are kept', handed, async ({ t, executor, home }) => {
  const names = Array.from({ length: 18 }, (_, index) => `w${index}`);
  for (const name of names) mkdirSync(join(home, name), { mode: 0o700 });
  await executor.request('rmtree', { paths: [], workdirs: names.map((name) => join(home, name)) });
  t.is(readdirSync(home).length, 16);
  t.true(readdirSync(home).every((name) => /^\.spare-(\d|1[0-5])$/.test(name)));
});

const unclean: Record<string, (folder: string) => void> = {
  'with a file in it': (folder) => writeFileSync(join(folder, 'x'), ''),
  'with something in the inner folder': (folder) => mkdirSync(join(folder, 'work', 'x'), { recursive: true }),
  'whose inner folder is a link': (folder) => {
    rmSync(join(folder, 'work'), { recursive: true, force: true });
    symlinkSync('/', join(folder, 'work'));
  },
  'of another mode': (folder) => chmodSync(folder, 0o755),
};
for (const [title, spoil] of Object.entries(unclean)) {
  run(`one ${title} is removed`, handed, async ({ t, home, use, give }) => {
    await use('a');
    spoil(join(home, 'a'));
    await give('a');
    t.deepEqual(readdirSync(home), []);
    t.true(existsSync('/etc'));
  });
}

run('a link in its place is removed, not followed', handed, async ({ t, executor, home, give }) => {
  const victim = join(executor.folder, 'victim');
  mkdirSync(victim, { mode: 0o700 });
  symlinkSync(victim, join(home, 'a'));
  await give('a');
  t.deepEqual(readdirSync(home), []);
  t.true(existsSync(victim));
});

run('one that is gone counts as removed', handed, async ({ t, home, give }) => {
  t.deepEqual(await give('nowhere'), {});
  t.deepEqual(readdirSync(home), []);
});
