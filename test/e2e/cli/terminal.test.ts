/** The CLI on a terminal: exec and attach with keys, size and detaching; live displays. The terminal is made by script(1). */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { withContainers, type Real } from '../../helpers/real-kernel.js';

const CORE = fileURLToPath(new URL('../../../../core/bin/core.mjs', import.meta.url));
const needs = { tools: ['script', 'stty'] };

const PATIENCE_MS = 30_000;

interface Terminal {
  type(keys: string): void;
  /** Waits until it has been shown, from where the last wait ended. */
  shows(wanted: RegExp): Promise<string>;
  readonly ended: Promise<number | null>;
  readonly screen: () => string;
}

/** `command` may use `core`; the terminal has 31 rows and 99 columns. */
function terminal({ folder }: Real, command: string): Terminal {
  const run = join(folder, 'run', 'e');
  const socket = join(run, readdirSync(run)[0] ?? '', 'core.sock');
  const shell = `stty rows 31 cols 99; core() { ${process.execPath} ${CORE} "$@"; }; ${command}`;
  const child = spawn('script', ['-qec', shell, '/dev/null'], { env: { PATH: process.env['PATH'], TERM: 'xterm', SHELL: '/bin/sh', CORE_SOCK: socket }, stdio: 'pipe' });
  let screen = '';
  let read = 0;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (screen += chunk));
  child.stdin.on('error', () => {});
  let over = false;
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => ((over = true), resolve(code))));
  return {
    type: (keys) => void child.stdin.write(keys),
    screen: () => screen,
    ended,
    shows: async (wanted) => {
      const end = Date.now() + PATIENCE_MS;
      for (;;) {
        const found = wanted.exec(screen.slice(read));
        if (found) {
          read += found.index + found[0].length;
          return found[1] ?? found[0];
        }
        if (over || Date.now() > end) throw new Error(`${over ? 'ended' : 'still'} without ${String(wanted)}: ${JSON.stringify(screen.slice(read))}`);
        await setTimeout(20);
      }
    },
  };
}

withContainers('exec -it: a shell with a terminal of our size, its code is ours', async (t, real) => {
  await real.sdk.run('host', { name: 'box', env: { PS1: '> ' } });
  const tty = terminal(real, 'core exec -it box sh');
  await tty.shows(/> /);
  tty.type('tty; stty size\r');
  await tty.shows(/\/dev\/pts\/0/);
  t.is(await tty.shows(/\d+ \d+/), '31 99');
  tty.type('exit 7\r');
  t.is(await tty.ended, 7);
}, needs);

withContainers('exec -it: the size follows ours, and ctrl-c goes inside', async (t, real) => {
  await real.sdk.run('host', { name: 'box', env: { PS1: '> ' } });
  const tty = terminal(real, '(sleep 2; stty rows 40 cols 120 < /dev/tty) & core exec -it box sh');
  await tty.shows(/> /);
  tty.type('while [ "$(stty size)" = "31 99" ]; do sleep 0.05; done; stty size\r');
  t.is(await tty.shows(/\n(\d+ \d+)/), '40 120');
  tty.type('sleep 100\r');
  await tty.shows(/sleep 100/);
  await setTimeout(300);
  tty.type('\x03');
  await tty.shows(/> /);
  tty.type('echo code $?\r');
  t.is(await tty.shows(/code (\d+)\r/), '130');
  tty.type('exit\r');
  t.is(await tty.ended, 0);
}, needs);

withContainers('attach: keys in, output back, detach and attach again, then the code', async (t, real) => {
  const c = await real.sdk.run('host', { name: 'box', command: ['sh'], terminal: true, stdin: true, env: { PS1: '> ' } });
  const first = terminal(real, 'core attach box; echo "left with $?"');
  await setTimeout(500);
  first.type('\r');
  await first.shows(/> /);
  first.type('echo $((6 * 7)); stty size\r');
  t.is(await first.shows(/\n(\d+)\r/), '42');
  t.is(await first.shows(/\n(\d+ \d+)\r/), '31 99');
  first.type('\x10\x11');
  t.is(await first.shows(/left with (\d+)/), '0');
  await first.ended;
  t.is((await c.inspect()).state, 'running');
  const second = terminal(real, 'core attach --detach-keys ctrl-x box');
  await setTimeout(500);
  second.type('\r');
  await second.shows(/> /);
  second.type('exit 5\r');
  t.is(await second.ended, 5);
}, needs);

withContainers('the terminal is as it was after exec', async (t, real) => {
  await real.sdk.run('host', { name: 'box' });
  const tty = terminal(real, 'stty -a > /tmp/before.$$; core exec -it box true; stty -a > /tmp/after.$$; cmp /tmp/before.$$ /tmp/after.$$ && echo same; rm /tmp/before.$$ /tmp/after.$$');
  t.is(await tty.shows(/same/), 'same');
  t.is(await tty.ended, 0);
}, needs);

withContainers('ps has colours, stats redraws itself', async (t, real) => {
  await real.sdk.run('host', { name: 'box', command: ['sleep', '600'] });
  const ps = terminal(real, 'core ps');
  t.is(await ps.ended, 0);
  t.true(ps.screen().includes('\x1b[32mrunning'));
  const stats = terminal(real, 'core stats');
  // eslint-disable-next-line no-control-regex -- the terminal's own language
  for (let frame = 0; frame < 2; frame++) await stats.shows(/\x1b\[H[\s\S]*box[\s\S]*\x1b\[J/);
  stats.type('\x03');
  t.not(await stats.ended, 0);
}, needs);
