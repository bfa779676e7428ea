/** The CLI against a kernel that `core run` serves: what one process starts, the others see. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ContainerDetails, ContainerInfo } from '#core/contracts/index.js';
import { withFolder } from '../../helpers/real-kernel.js';
import { runCore } from '../../helpers/served-kernel.js';
import { setTimeout } from 'node:timers/promises';

const CORE = fileURLToPath(new URL('../../../../core/bin/core.mjs', import.meta.url));
const PLUGINS = ['runtime-linux', 'image-oci'].map((name) => fileURLToPath(new URL(`../../../../plugins/${name}/dist/index.js`, import.meta.url)));

withFolder('run, ps, logs, exec, pause, update, stop, rm', async (t, folder) => {
  const socket = join(folder, 'run', 'core.sock');
  const set = join(folder, 'set.json');
  const run = { web: { image: 'host', memory: '64m', command: ['sh', '-c', 'echo serving; while :; do sleep 0.1; done'] } };
  writeFileSync(set, JSON.stringify({ plugins: PLUGINS, root: join(folder, 'root'), runRoot: join(folder, 'run'), serve: true, run }));
  const kernel = spawn(process.execPath, [CORE, 'run', set], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => kernel.once('close', resolve));
  const core = (...args: string[]) => runCore(args, { env: { CORE_SOCK: socket } });
  try {
    for (let tries = 0; tries < 500 && (await core('ps')).code !== 0; tries++) await setTimeout(50);
    for (let tries = 0; tries < 500 && !(await core('logs', 'web')).stdout.includes('serving'); tries++) await setTimeout(50);
    const [web] = JSON.parse((await core('ps', '--json')).stdout) as ContainerInfo[];
    t.like(web, { name: 'web', image: 'host', state: 'running' });
    t.is((await core('exec', 'web', 'sh', '-c', 'cat /proc/1/comm; exit 3')).code, 3);
    t.is((await core('exec', 'web', '/nosuch')).code, 127);
    t.is((await core('exec', 'web', '/etc/passwd')).code, 126);
    t.is((await core('pause', 'web')).code, 0);
    t.regex((await core('ps')).stdout, / paused /);
    t.is((await core('resume', 'web')).code, 0);
    t.is((await core('update', '--memory', '32m', 'web')).code, 0);
    const [details] = JSON.parse((await core('inspect', 'web')).stdout) as ContainerDetails[];
    t.is(details?.spec.linux?.resources?.memory?.limit, 32 * 1024 ** 2);
    const [stats] = JSON.parse((await core('stats', '--json')).stdout) as Array<{ memory: { limit: number } }>;
    t.is(stats?.memory.limit, 32 * 1024 ** 2);
    t.is((await core('stop', '--time', '1', 'web')).code, 0);
    t.is((await core('rm', 'web')).code, 0);
    t.is((await core('ps', '-aq')).stdout, '');
    t.regex((await core('hooks')).stdout, /^container\.spec/m);
    t.regex((await core('plugins')).stdout, /^runtime-linux /m);
  } finally {
    kernel.kill('SIGTERM');
    t.true([0, 143].includes((await ended) ?? -1));
  }
});
