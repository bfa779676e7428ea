/** Labels, annotations and names with something to execute in them: they are data, whatever they look like. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { escape } from './support/escape.js';

escape({
  name: 'labels and annotations as commands',
  cves: ['2026-53488'],
  weakened({ folder }) {
    const mark = join(folder, 'weak');
    spawnSync('sh', ['-c', `echo label=$(touch ${mark})`]);
    return existsSync(mark);
  },
  async ours({ stage, folder }) {
    const mark = join(folder, 'ours');
    const bait = [`$(touch ${mark})`, `\`touch ${mark}\``, `; touch ${mark} #`, `| touch ${mark}`, `\${process.mainModule.require('fs').writeFileSync('${mark}','')}`];
    for (const [index, text] of bait.entries()) {
      const labels = { [`bait.${index}`]: text, 'io.podman.annotations.x': text };
      const { info } = await stage.through({ labels, annotations: labels, env: { BAIT: text } }, 'true');
      await stage.engine.containers.remove({ container: info.id });
    }
    return existsSync(mark);
  },
});
