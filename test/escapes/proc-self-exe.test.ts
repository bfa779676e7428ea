/** A container whose program is `#!/proc/self/exe` makes the runtime execute itself inside, and overwrites it by /proc/PID/exe for the next one who runs it. */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import type { ContainerOptions } from '@core/core/plugin';
import { executorBinary } from '../helpers/executor-plan.js';
import { escape, type Place } from './support/escape.js';
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
    const { id, said } = await stalked(at, {});
    let line: string | undefined;
    for (let tries = 0; tries < 50 && line === undefined; tries++) {
      await at.stage.exec(id, ['/tmp/trap']);
      line = await said();
    }
    at.t.truthy(line, 'the attacker never saw the runtime execute itself');
    const { dev, ino } = statSync(executorBinary);
    at.t.log(`the attacker: ${line}`);
    return !readFileSync(executorBinary).equals(before) || line === `${dev}:${ino} errno ETXTBSY` || (line?.includes('overwritten') ?? false);
  },
});

/** A container that waits for a foreign program to appear. */
async function stalked({ stage }: Place, options: Partial<ContainerOptions>) {
  const box = await stage.up({ ...options, mounts: [attackMount()] }, `${TRAP}; /attack/attack stalk '${OWNED}' > /tmp/said & while ! grep -q ready /tmp/said; do :; done`);
  const said = async (): Promise<string | undefined> => (await box.sh('cat /tmp/said')).out.split('\n')[1];
  return { ...box, said };
}
