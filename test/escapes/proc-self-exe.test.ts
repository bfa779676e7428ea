/** A container whose program is `#!/proc/self/exe` makes the runtime execute itself inside, and overwrites it by /proc/PID/exe for the next one who runs it. */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import type { ContainerOptions } from '@core/core/plugin';
import { executorBinary } from '../helpers/executor-plan.js';
import { escape, type Place } from './support/escape.js';
import { statusField } from '../helpers/proc.js';
import { attackMount, attackProgram, copyOf } from './support/programs.js';
import { eventually } from '../e2e/executor/support.js';

const TRAP = 'printf "#!/proc/self/exe\\n" > /tmp/trap; chmod 755 /tmp/trap';
const OWNED = '#!/owned';

escape({
  name: 'overwriting the runtime through /proc/self/exe',
  cves: ['2019-5736'],
  async weakened(at) {
    const runtime = copyOf(attackProgram('naive'), at.folder, 'runtime');
    const { pid } = await stalked(at, { privileged: true });
    spawnSync(runtime, ['enter', String(pid), '-', '/', '/tmp/trap']);
    return eventually(() => readFileSync(runtime, 'latin1').startsWith(OWNED));
  },
  async ours(at) {
    const before = readFileSync(executorBinary);
    const { id, pid } = await stalked(at, {});
    for (let tries = 0; tries < 20; tries++) {
      const { err } = await at.stage.exec(id, ['/tmp/trap']);
      at.t.regex(err, /^usage: core-executor/, 'the trap does not execute the runtime');
    }
    // Whether it was quick enough or not: what it can open is what the monitor runs, so that must not be the file.
    return !readFileSync(executorBinary).equals(before) || isFile(`/proc/${statusField(pid, 'PPid')}/exe`);
  },
});

function isFile(running: string): boolean {
  const [file, here] = [statSync(executorBinary), statSync(running)];
  return file.dev === here.dev && file.ino === here.ino;
}

/** A container that waits for a foreign program to appear. */
async function stalked({ stage }: Place, options: Partial<ContainerOptions>) {
  return stage.up({ ...options, mounts: [attackMount()] }, `${TRAP}; /attack/attack stalk '${OWNED}' > /tmp/said & while ! [ -s /tmp/said ]; do :; done`);
}
