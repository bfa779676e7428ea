/** Options that shape a container's life: name, labels, stop, removal, logs. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { e2e } from '../../helpers/e2e.js';
import { onDebian, optionsImage } from '../../helpers/images.js';
import { allProcesses, readProcess } from '../../helpers/leaks/index.js';

e2e('name: it leads to the container, and is taken once', async (t, stage) => {
  const { id } = await stage.up({ name: 'web' });
  t.is((await stage.engine.containers.inspect({ container: 'web' })).id, id);
  t.is((await stage.engine.containers.inspect({ container: id.slice(0, 6) })).name, 'web');
  await t.throwsAsync(stage.up({ name: 'web' }), { code: 'E_EXISTS' });
  t.is((await stage.engine.containers.list({ all: true })).length, 1);
});

e2e('labels and annotations: the image\'s and one\'s own, and found by them', async (t, stage) => {
  const { id } = await stage.up({ labels: { tier: 'front' }, annotations: { note: 'kept' } });
  await stage.up({ labels: { tier: 'back' } });
  const found = await stage.engine.containers.list({ labels: { tier: 'front' } });
  t.deepEqual(found.map((info) => info.id), [id]);
  const { labels, spec } = await stage.engine.containers.inspect({ container: id });
  t.like(labels, { tier: 'front', ...(!onDebian && { 'made.by': 'umoci' }) });
  t.is(spec.annotations?.['note'], 'kept');
});

e2e('stopSignal: it is what stop sends', async (t, stage) => {
  const info = await stage.engine.containers.run({ image: optionsImage(), command: ['/bin/probe', 'sigwait', '10'], stopSignal: 'SIGUSR1', stopTimeout: 20 });
  await ready(stage, info.id);
  const exit = await stage.engine.containers.stop({ container: info.id });
  t.is(exit.exitCode, 0);
  t.is((await stage.logs(info.id)).out, 'ready\nsignal 10');
});

e2e('stopTimeout: what does not listen is killed', async (t, stage) => {
  const { id, pid } = await stage.up({ stopTimeout: 0.3 }, 'trap "" TERM');
  const exit = await stage.engine.containers.stop({ container: id });
  t.like(exit, { exitCode: 137, signal: 'SIGKILL', oomKilled: false });
  t.deepEqual(readProcess(pid), []);
});

e2e('remove: gone once it has exited', async (t, stage) => {
  await stage.engine.containers.run({ image: optionsImage(), command: ['sh', '-c', 'exit 3'], remove: true });
  for (let tries = 0; tries < 100; tries++) {
    if ((await stage.engine.containers.list({ all: true })).length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.deepEqual(await stage.engine.containers.list({ all: true }), []);
});

e2e('start again: what was told of the run before does not count', async (t, stage) => {
  const { containers } = stage.engine;
  const { id } = await containers.create({ image: optionsImage(), command: ['sleep', '1000'] });
  for (let round = 0; round < 20; round++) {
    await containers.start({ container: id });
    if (round % 2) t.is((await stage.exec(id, ['echo', 'in'])).out, 'in'); // has a connection to the monitor opened
    await containers.kill({ container: id });
    t.is((await containers.wait({ container: id })).exitCode, 137);
    await containers.start({ container: id });
    t.is((await containers.inspect({ container: id })).state, 'running', `round ${round}`);
    await containers.stop({ container: id, timeout: 0 });
  }
});

e2e('log: rotated by size, as many files as asked, the last lines last', async (t, stage) => {
  const { info, out } = await stage.through({ log: { maxSize: 4096, maxFiles: 2 } }, 'i=0; while [ $i -lt 400 ]; do echo "line $i of the log"; i=$((i+1)); done');
  const files = filesBelow(stage.folders.root).concat(filesBelow(stage.folders.runRoot)).filter((path) => /log/.test(path.slice(path.indexOf(info.id))) && path.includes(info.id));
  t.is(files.length, 2, files.join(' '));
  for (const file of files) t.true(statSync(file).size <= 4096 + 200, `${file}: ${statSync(file).size} bytes`);
  const lines = out.split('\n');
  t.is(lines.at(-1), 'line 399 of the log');
  t.true(lines.length > 40 && lines.length < 400);
  t.is(lines.length, 400 - Number(lines[0]?.split(' ')[1]), 'without a gap');
});

e2e('log: null keeps none', async (t, stage) => {
  const { id } = await stage.engine.containers.run({ image: optionsImage(), command: ['sh', '-c', 'echo un""heard'], log: null });
  await stage.engine.containers.wait({ container: id });
  t.deepEqual(await stage.logs(id), { out: '', err: '' });
  const kept = filesBelow(stage.folders.root).concat(filesBelow(stage.folders.runRoot)).filter((path) => path.includes(id));
  t.false(kept.some((path) => readFileSync(path, 'latin1').includes('unheard')), kept.join(' '));
});

e2e('log: both streams, a last line without its newline, bytes that are no text', async (t, stage) => {
  const { out, err } = await stage.through({}, 'echo one; echo two >&2; printf three');
  t.is(out, 'one\nthree');
  t.is(err, 'two');
});

e2e('exit: the code of the command, or 128 and the signal', async (t, stage) => {
  t.is((await stage.through({}, 'exit 42')).exit.exitCode, 42);
  const { id, pid } = await stage.up({});
  process.kill(pid, 'SIGKILL');
  t.like(await stage.engine.containers.wait({ container: id }), { exitCode: 137, signal: 'SIGKILL' });
});

e2e('pause: nothing inside runs until resume', async (t, stage) => {
  const { id, pid, sh } = await stage.up({}, 'while :; do cat /proc/uptime > /tmp/now; sleep 0.02; done &');
  await stage.engine.containers.pause({ container: id });
  t.is((await stage.engine.containers.inspect({ container: id })).state, 'paused');
  const frozen = cpuTicks(pid);
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.is(cpuTicks(pid), frozen);
  await stage.engine.containers.resume({ container: id });
  const [first, second] = [await sh('cat /tmp/now'), await sh('sleep 0.2; cat /tmp/now')];
  t.not(first.out, second.out);
});

e2e('processes: the host pids of all inside', async (t, stage) => {
  const { id, pid } = await stage.up({}, 'sleep 900 & sleep 901 &');
  const pids = await stage.engine.containers.processes({ container: id });
  t.true(pids.includes(pid));
  const commands = allProcesses().filter((entry) => pids.includes(entry.pid)).map((entry) => entry.command).sort();
  t.deepEqual(commands, ['sleep 1000', 'sleep 900', 'sleep 901']);
});

e2e('exec: user, cwd, env, exit code, and the group of the container', async (t, stage) => {
  const { sh, pid } = await stage.up({ env: { A: '1' } });
  t.like(await sh('id -u; pwd; echo $A$B; exit 7', { user: 'app', cwd: '/tmp', env: ['B=2'] }), { out: '1000\n/tmp\n12', code: 7 });
  t.is((await sh('cut -d: -f3 /proc/self/cgroup | sort -u')).out, '/');
  t.is((await sh('grep -E "Seccomp:|NoNewPrivs|CapEff" /proc/self/status')).out, (await sh(`grep -E "Seccomp:|NoNewPrivs|CapEff" /proc/1/status`)).out);
  t.truthy(readProcess(pid)[0]);
});

function cpuTicks(pid: number): number {
  return allProcesses().filter((entry) => entry.pid === pid || entry.parent === pid).reduce((sum, entry) => sum + entry.ticks, 0);
}

async function ready(stage: Parameters<Parameters<typeof e2e>[1]>[1], container: string): Promise<void> {
  for await (const { line } of stage.engine.containers.logs({ container, follow: true })) if (line === 'ready') return;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
