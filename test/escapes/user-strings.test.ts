/** Numbers as users that an image calls something else, or that wrap around to root. */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { escape, type Place } from './support/escape.js';
import { naiveRuntime } from './support/programs.js';
import { rootfs } from '../helpers/images.js';

const NUMBERS = ['1000', '2147483648', '4294967296', '18446744073709551616', '-1', '+1000'];

escape({
  name: 'users that are numbers to the caller, and names to the image',
  cves: ['2024-40635', '2026-30892', '2026-46680'],
  weakened(at) {
    // By name first, as runtimes had it.
    const { stdout } = naiveRuntime('chroot "$IMAGE" /bin/busybox su 4294967296 -s /bin/busybox -c "busybox id -u" || chroot "$IMAGE" /bin/busybox id -u 4294967296', { IMAGE: image(at) });
    return stdout.trim() === '0';
  },
  async ours(at) {
    const tree = image(at);
    const { id } = await at.stage.up({ image: `dir:${tree}` });
    for (const user of [...NUMBERS, ...NUMBERS.map((number) => `app:${number}`)]) {
      const ran = await Promise.all([said(at.stage.through({ image: `dir:${tree}`, user, cwd: '/' }, 'id -u; id -g')), said(at.stage.exec(id, ['/bin/sh', '-c', 'id -u; id -g'], { user, cwd: '/' }))]);
      // A number in range is that user, of group 0 as Docker has it; all others are refused.
      if (ran.some((ids) => ids !== undefined && (user.includes(':') ? ids[1] === '0' : ids[0] === '0'))) return true;
      at.t.is(ran[0] === undefined, !/(^|:)1000$/.test(user), `user ${user}`);
    }
    return false;
  },
});

/** An image whose root goes by all of these names. */
function image({ folder }: Place): string {
  const tree = join(folder, 'image');
  cpSync(rootfs(), tree, { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(tree, 'etc', 'passwd'), ['root', ...NUMBERS].map((name) => `${name}:x:0:0::/root:/bin/sh\n`).join('') + 'app:x:1000:1000::/:/bin/sh\n');
  writeFileSync(join(tree, 'etc', 'group'), ['root', ...NUMBERS].map((name) => `${name}:x:0:\n`).join('') + 'app:x:1000:\n');
  return tree;
}

async function said(run: Promise<{ readonly out: string }>): Promise<readonly string[] | undefined> {
  return run.then(({ out }) => out.split('\n'), () => undefined);
}
