/** Scripts as users run them: the examples, and how a script's own end ends its containers. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { defaultPlaces } from '#core/config/places.js';
import { withFolder } from '../../helpers/real-kernel.js';

const CORE = fileURLToPath(new URL('../../../../core/bin/core.mjs', import.meta.url));
const EXAMPLES = fileURLToPath(new URL('../../../../scripts/examples/', import.meta.url));

/** What an ordinary user's kernels go by. */
const places = Object.fromEntries(['HOME', 'XDG_RUNTIME_DIR', 'TMPDIR'].flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));

interface Script {
  readonly pid: number;
  readonly line: (wanted: RegExp) => Promise<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null; readonly stdout: string; readonly stderr: string }>;
}

function start(file: string, args: readonly string[] = []): Script {
  const child = spawn(process.execPath, [CORE, file, ...args], { env: { PATH: process.env['PATH'], ...places }, stdio: ['ignore', 'pipe', 'pipe'] });
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.stderr += chunk));
  const ended = new Promise<Awaited<Script['ended']>>((resolve) => child.once('close', (code, signal) => resolve({ code, signal, ...text })));
  return { pid: child.pid ?? 0, ended, line: (wanted) => seen(wanted, () => text, ended) };
}

async function seen(wanted: RegExp, text: () => { stdout: string; stderr: string }, ended: Promise<unknown>): Promise<string> {
  let over = false;
  void ended.then(() => (over = true));
  for (;;) {
    const found = wanted.exec(text().stdout);
    if (found) return found[1] ?? found[0];
    if (over) throw new Error(`the script ended without ${String(wanted)}: ${text().stdout}${text().stderr}`);
    await setTimeout(20);
  }
}

/** Private folders of an embedded kernel are named after its process. */
function foldersOf(pid: number): string[] {
  const { root, runRoot } = defaultPlaces();
  return [join(runRoot, 'e'), join(root, 'ephemeral')].flatMap((folder) => (existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(`${pid.toString(36)}-`)).map((name) => join(folder, name)) : []));
}

const examples: Record<string, RegExp> = {
  'ci.mts': /^ok {4}checkout .*\nok {4}count +\d+ .*\nok {4}lint .*\nok {4}archive +archived .*\n$/,
  'parallel-tests.mts': /^shard 1: sum 500500\nshard 2: sum 2001000\nshard 3: sum 4501500\nshard 4: sum 8002000\n4 shards passed\n$/,
  'untrusted.mts': /^print something +allowed: harmless\n(?:.* denied\n){6}never end +stopped after two seconds\n$/,
  'pipeline.mts': /^the largest primes below 100000: 99971, 99989, 99991\n1\ton and on\n2\ton and on\n$/,
  'service.mts': /^stderr: warming up\nstdout: ready to serve\nuses less memory than its limit, and some processes\nanswers from [0-9a-f]{12}\nsaid "shutting down" and ended with 0\n$/,
};

for (const file of readdirSync(EXAMPLES).filter((name) => name.endsWith('.mts'))) {
  withFolder(`the example ${file}`, async (t) => {
    const { pid, ended } = start(join(EXAMPLES, file));
    const { code, stdout, stderr } = await ended;
    t.is(stderr, '');
    t.is(code, 0);
    t.regex(stdout, examples[file] ?? /^no expectation is written for it$/);
    t.deepEqual(foldersOf(pid), []);
  }, { cgroups: true });
}

function script(folder: string, source: string): string {
  const file = join(folder, 'script.mts');
  writeFileSync(file, `import { $, run } from '@core/sdk';\n${source}\n`);
  return file;
}

async function gone(t: ExecutionContext, pid: number): Promise<void> {
  for (let tries = 0; tries < 250 && existsSync(`/proc/${pid}`); tries++) await setTimeout(20);
  t.false(existsSync(`/proc/${pid}`), `process ${pid} of the container lives on`);
}

withFolder('a script ends by itself when its last container is gone', async (t, folder) => {
  const { ended, pid } = start(script(folder, 'const c = await run("host"); console.log(await c.$`echo done`.text()); await c.remove();'));
  t.like(await ended, { code: 0, stdout: 'done\n\n', stderr: '' });
  t.deepEqual(foldersOf(pid), []);
});

withFolder('a container that runs keeps the script alive until it ends', async (t, folder) => {
  const { ended } = start(script(folder, 'const c = await run("host", { command: ["sleep", "1"] }); void c.wait; process.on("exit", async () => console.log("after"));'));
  const begin = Date.now();
  t.like(await ended, { code: 0, stdout: 'after\n', stderr: '' });
  t.true(Date.now() - begin >= 1000);
});

withFolder('process.exit takes the containers along', async (t, folder) => {
  const { ended } = start(script(folder, 'const c = await run("host", { command: ["sleep", "600"] }); console.log((await c.inspect()).pid); process.exit(3);'));
  const { code, stdout } = await ended;
  t.is(code, 3);
  await gone(t, Number(stdout));
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
  withFolder(`a script that is ended by ${signal} takes its containers along`, async (t, folder) => {
    const running = start(script(folder, 'const c = await run("host", { command: ["sleep", "600"] }); console.log(`pid ${(await c.inspect()).pid}`);'));
    const inside = Number(await running.line(/pid (\d+)\n/));
    process.kill(running.pid, signal);
    t.is((await running.ended).signal, signal);
    await gone(t, inside);
  });
}

withFolder('a failing command ends the script with the line it stands on', async (t, folder) => {
  const { ended } = start(script(folder, 'interface Typed { a: number }\nawait $`echo before it; exit 4`;'));
  const { code, stderr } = await ended;
  t.is(code, 1);
  t.regex(stderr, /ended with exit code 4[\s\S]*before it[\s\S]*script\.mts:3/);
});

withFolder('arguments, types and top-level await reach the script', async (t, folder) => {
  const { ended } = start(script(folder, 'const words: string[] = process.argv.slice(2);\nawait using c = await run("host");\nconsole.log(await c.$`printf %s, ${words}`.text());'), ['a b', '--json']);
  t.like(await ended, { code: 0, stdout: 'a b,--json,\n', stderr: '' });
});
