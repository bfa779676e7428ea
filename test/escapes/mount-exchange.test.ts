/** A container exchanges a folder of a shared volume with a link to the machine's while another is made with a mount onto it. */
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { escape, rounds, type Place } from './support/escape.js';
import { attackMount, naiveRuntime } from './support/programs.js';
import { optionsImage } from '../helpers/images.js';

const SIZE = '128k';

interface Volume {
  readonly volume: string;
  /** Where the link leads. */
  readonly outside: string;
}

escape({
  name: 'symlink exchange of mount targets in a shared volume',
  cves: ['2021-30465', '2024-45310'],
  weakened: (at) => exchanging(at, ({ volume, outside }) => naiveRuntime(NAIVE, { VOLUME: volume, OUTSIDE: outside }).stdout.includes('outside')),
  ours: (at) => exchanging(at, async ({ volume, outside }) => {
    let made = 0;
    for (let round = 0; round < rounds(40); round++) {
      const info = await start(at, volume).catch(() => undefined);
      if (!info) continue; // refused, which is as good
      made++;
      // What lies outside of a container's root is not in its table of mounts.
      const inside = readFileSync(`/proc/${info.pid}/mountinfo`, 'utf8').includes(`size=${SIZE}`);
      await at.stage.engine.containers.remove({ container: info.id, force: true });
      if (!inside || readdirSync(outside).join() !== 'secret') return true;
    }
    at.t.true(made > 0, 'not one container was made');
    return false;
  }),
}, { timeout: 170_000 });

/** By name, in a mount namespace of its own. */
const NAIVE = `
for round in $(seq 1000); do
  mount -t tmpfs none "$VOLUME/a" 2>/dev/null || continue
  if mountpoint -q "$OUTSIDE"; then echo outside; exit; fi
  umount "$VOLUME/a" 2>/dev/null || umount "$VOLUME/b" 2>/dev/null || true
done`;

function start({ stage }: Place, volume: string) {
  return stage.engine.containers.run({ image: optionsImage(), command: ['/bin/sleep', '100'], mounts: [{ type: 'bind', source: volume, target: '/volume' }, { type: 'tmpfs', target: '/volume/a', size: SIZE }] });
}

async function exchanging(at: Place, attempt: (volume: Volume) => Promise<boolean> | boolean): Promise<boolean> {
  const [volume, outside] = [join(at.folder, 'volume'), join(at.folder, 'outside')];
  if (!readdirSync(at.folder).includes('volume')) {
    mkdirSync(join(volume, 'a'), { recursive: true });
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret'), '');
    symlinkSync(outside, join(volume, 'b'));
  }
  const attacker = await at.stage.up({ mounts: [attackMount(), { type: 'bind', source: volume, target: '/volume' }] }, '/attack/attack swap /volume/a /volume/b &');
  try {
    return await attempt({ volume, outside });
  } finally {
    await at.stage.engine.containers.remove({ container: attacker.id, force: true });
  }
}
