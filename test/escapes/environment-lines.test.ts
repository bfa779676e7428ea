/** A home, or any other value, with a line end in it: who writes an environment line by line makes two variables of one. */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootfs } from '../helpers/images.js';
import { escape, type Place } from './support/escape.js';
import { naiveRuntime } from './support/programs.js';

/** One variable after another, however many lines each has. Opened by who reads it: what a shell opens for a command ends with the shell's memory. */
const SHOW = 'cat /proc/self/environ | tr "\\0" "|"; echo';
const BAIT = '/x\nBAIT=1\nLD_PRELOAD=/bait.so';

escape({
  name: 'a home with line ends in it, as variables of its own',
  cves: ['2026-15809'],
  weakened({ folder }) {
    const file = join(folder, 'environment');
    return naiveRuntime('printf "HOME=%s\\n" "$HOME_WANTED" > "$FILE"; while read -r line; do export "$line"; done < "$FILE"; echo "$BAIT"', { FILE: file, HOME_WANTED: BAIT }).stdout.trim() === '1';
  },
  async ours(at) {
    const image = `dir:${tree(at)}`;
    const plain = await at.stage.through({ image, cwd: '/', env: { HOME: '/home/app' } }, SHOW);
    at.t.regex(plain.out, /(^|\|)HOME=\/home\/app\|/, plain.err);
    const wishes = [{ env: { HOME: BAIT } }, { user: 'bait', cwd: '/' }, { user: '0', cwd: '/', env: { BAD: BAIT } }];
    for (const wish of wishes) {
      const said = await at.stage.through({ image, ...wish }, SHOW).then(({ out }) => out, (thrown: unknown) => String(thrown));
      at.t.log(JSON.stringify(said));
      if (said.split('|').some((entry) => entry.startsWith('BAIT=') || entry.startsWith('LD_PRELOAD='))) return true;
    }
    const { id } = await at.stage.up({ image });
    const { out } = await at.stage.exec(id, ['/bin/sh', '-c', SHOW], { env: [`HOME=${BAIT}`], cwd: '/' }).catch(() => ({ out: '' }));
    return out.split('|').some((entry) => entry.startsWith('BAIT='));
  },
});

/** Its passwd has what an attacker can write: carriage returns, a zero byte, and a line of too much. */
function tree({ folder }: Place): string {
  const place = join(folder, 'image');
  cpSync(rootfs(), place, { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(place, 'etc', 'passwd'), `root:x:0:0::/root:/bin/sh\nbait:x:1000:1000::/x\rBAIT=1\0BAIT=1:/bin/sh\nBAIT=1:x:1001:1001::${'/y'.repeat(400)}:/bin/sh\n`);
  return place;
}
