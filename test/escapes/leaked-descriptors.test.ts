/** A descriptor of the machine's that is left open for the command, and a working folder reached by one. */
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { escape, type Place } from './support/escape.js';
import { attackProgram } from './support/programs.js';

const SECRET = 'of the machine';
const NUMBERS = Array.from({ length: 30 }, (_, index) => index + 3);

escape({
  name: 'a leaked descriptor as the working folder, WORKDIR /proc/self/fd/N',
  cves: ['2024-21626'],
  async weakened(at) {
    const { pid } = await at.stage.up({});
    return naive(at, pid, '/proc/self/fd/7', ['/bin/cat', 'secret']).includes(SECRET);
  },
  async ours({ stage }) {
    const { id } = await stage.up({});
    for (const number of NUMBERS) {
      const cwd = `/proc/self/fd/${number}`;
      if (await starts(() => stage.exec(id, ['/bin/ls'], { cwd }))) return true;
    }
    return starts(() => stage.through({ cwd: '/proc/self/fd/7' }, 'true'));
  },
});

escape({
  name: 'a descriptor of the machine left open for the command',
  cves: ['2024-21626'],
  async weakened(at) {
    const { pid } = await at.stage.up({});
    return leaks(naive(at, pid, '/', ['/bin/ls', '-l', '/proc/self/fd']));
  },
  async ours({ stage, t }) {
    const box = await stage.up({});
    t.deepEqual(readdirSync(`/proc/${box.pid}/fd`).sort(), ['0', '1', '2'], 'the first process');
    return leaks((await stage.exec(box.id, ['/bin/ls', '-l', '/proc/self/fd'])).out);
  },
});

function naive({ folder }: Place, pid: number, cwd: string, command: readonly string[]): string {
  writeFileSync(join(folder, 'secret'), SECRET);
  return spawnSync(attackProgram('naive'), ['enter', String(pid), folder, cwd, ...command], { encoding: 'utf8' }).stdout;
}

/** Whether anything is open but the standard three and the folder that `ls` reads. */
function leaks(listing: string): boolean {
  return listing.split('\n').some((line) => / (\d+) -> /.test(line) && !/ [012] -> /.test(line) && !/ -> \/proc\/\d+\/fd$/.test(line));
}

async function starts(run: () => Promise<{ readonly code: number }>): Promise<boolean> {
  try {
    return (await run()).code === 0;
  } catch {
    return false;
  }
}
