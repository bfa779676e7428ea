/** An image whose /proc, /sys or /dev leads elsewhere: what a runtime mounts, makes or masks by name lands there. */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { escape, type Place } from './support/escape.js';
import { naiveRuntime } from './support/programs.js';
import { rootfs } from '../helpers/images.js';

/** What lies where it must: the masks, the filesystems, a folder that cannot be written to. */
const LOOK = 'stat -c %t:%T /proc/keys /proc/timer_list; stat -f -c %T /proc /sys /dev; echo x > /proc/sys/kernel/hostname && echo written; true';
const IN_PLACE = '1:3\n1:3\nproc\nsysfs\ntmpfs';

escape({
  name: 'an image with symlinks for /proc, /sys, /dev and what lies there',
  cves: ['2019-16884', '2019-19921', '2023-27561', '2023-28642', '2025-31133', '2025-52565', '2025-52881', '2026-41579', '2026-47766'],
  weakened(at) {
    const { tree, outside } = image(at, 'dev', (machine) => machine);
    const { stdout } = naiveRuntime('mount -t tmpfs none "$TREE/dev"; touch "$TREE/dev/null"; ls "$OUTSIDE"', { TREE: tree, OUTSIDE: outside });
    return stdout.includes('null');
  },
  async ours(at) {
    for (const path of ['proc', 'sys', 'dev', 'dev/null', 'dev/pts', 'dev/console', 'dev/shm', 'dev/mqueue', 'dev/ptmx']) {
      for (const target of [(machine: string) => machine, () => '/decoy', () => '../../../../../../decoy', () => '/nowhere', () => '/proc/self/root']) {
        if (await attempt(at, path, target)) return true;
      }
    }
    return false;
  },
});

/** It may be refused. Where it starts, everything must be in its place, and nothing elsewhere. */
async function attempt(at: Place, path: string, target: (outside: string) => string): Promise<boolean> {
  const { tree, outside } = image(at, path, target);
  const said = await at.stage.through({ image: `dir:${tree}`, terminal: path === 'dev/console' }, LOOK).then(({ out }) => out.replaceAll('\r', ''), () => undefined);
  at.t.log(path, target('OUTSIDE'), said === undefined ? 'refused' : said.includes(IN_PLACE) ? 'in place' : said);
  return readdirSync(outside).length > 0 || (said !== undefined && !said.includes(IN_PLACE)) || (said?.includes('written') ?? false);
}

function image({ folder }: Place, path: string, target: (outside: string) => string) {
  const [tree, outside] = [join(folder, 'image'), join(folder, 'outside')];
  if (!existsSync(tree)) cpSync(rootfs(), tree, { recursive: true, verbatimSymlinks: true });
  for (const name of ['proc', 'sys', 'dev', 'decoy']) {
    rmSync(join(tree, name), { recursive: true, force: true });
    mkdirSync(join(tree, name));
  }
  mkdirSync(outside, { recursive: true });
  rmSync(join(tree, path), { recursive: true, force: true });
  symlinkSync(target(outside), join(tree, path));
  return { tree, outside };
}
