/** The network of an ordinary user's containers: outward through a program that ends with the container, and nothing of the machine's own. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { eventually } from '../e2e/executor/support.js';
import { ociLayout } from '../helpers/images.js';
import { lacks } from '../helpers/machine.js';
import { processesWith, wordsOf } from '../helpers/proc.js';
import { asUser, outside } from '../helpers/rootless.js';

const forever = { command: ['sh', '-c', 'sleep 1000'] };

for (const program of ['pasta', 'slirp4netns'] as const) {
  const lacking = outside === '' ? 'iproute2, which makes an outside, is not installed' : lacks({ tools: [program] });
  const needs = { lacking, rootless: { network: program } };
  const idle = lacking ?? (program === 'pasta' && !(await movesByItself()) ? 'this machine\'s pasta moves nothing, started by hand either' : undefined);

  asUser(`${program}: what is outside is reached, the machine's loopback is not`, async (t, { sdk, folder }) => {
    await using far = await serve(outside);
    await using near = await serve('127.0.0.1');
    await using c = await sdk.run(ociLayout(), { ...forever, network: 'user' });
    t.is(await c.$`nc -w 5 ${outside} ${far.port} </dev/null`.text(), 'hello\n');
    for (const address of ['127.0.0.1', '10.77.0.1', '10.0.2.2']) t.not(await c.$`nc -w 1 ${address} ${near.port} </dev/null`.nothrow().text(), 'hello\n', address);
    t.regex(await c.$`cat /etc/resolv.conf`.text(), program === 'pasta' ? /^nameserver 169\.254\.1\.1\n/ : /^nameserver 10\.0\.2\.3\n/);
    t.deepEqual(c.unmet.filter(({ wish }) => wish === 'network'), []);
    t.is(processesOf(program, folder).length, 1);
    await c.remove();
    t.deepEqual(processesOf(program, folder), []);
  }, { ...needs, lacking: idle });

  asUser(`${program}: it ends when the monitor is killed`, async (t, { sdk, folder }) => {
    await using c = await sdk.run(ociLayout(), { ...forever, network: 'user' });
    const [state = ''] = readdirSync(join(folder, 'run'), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith(`${c.id}/state`));
    process.kill((JSON.parse(readFileSync(join(folder, 'run', state), 'utf8')) as { monitor: number }).monitor, 'SIGKILL');
    t.true(await eventually(() => processesOf(program, folder).length === 0));
    t.is((await c.output()).exitCode, 137);
  }, needs);

  asUser(`${program}: it ends when the kernel is killed`, async (t, { folder }) => {
    const file = join(folder, 'script.mts');
    const places = { root: join(folder, 'other'), runRoot: join(folder, 'orun') };
    writeFileSync(file, `import { boot } from '@core/sdk';\nconst sdk = await boot(${JSON.stringify(places)});\nawait sdk.run('host', { command: ['sleep', '1000'], network: 'user' });\nconsole.log('up');\n`);
    const child = spawn(process.execPath, ['core/bin/core.mjs', file], { stdio: ['ignore', 'pipe', 'inherit'] });
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    const [started] = programsOf(folder);
    child.kill('SIGKILL');
    t.truthy(started);
    t.true(await eventually(() => processesWith((word) => word.startsWith(join(folder, 'orun'))).length === 0));
  }, needs);
}

asUser('without a program the network is loopback alone, and that is told of', async (t, { sdk, warnings }) => {
  const heard: string[] = [];
  const hear = ({ name, message }: Error): void => void (name === 'CoreWarning' && heard.push(message));
  process.on('warning', hear);
  const events = (await sdk.engine()).system.events({ since: 0 });
  await using c = await sdk.run(ociLayout(), { ...forever, network: 'user' });
  t.is(await c.$`ls /sys/class/net`.text(), 'lo\n');
  t.like(c.unmet.find(({ wish }) => wish === 'network'), { wish: 'network', reason: 'the network is loopback alone: the config of runtime-linux says "rootless": { "network": "none" }' });
  t.is(warnings.filter((text) => text.includes('loopback alone')).length, 1);
  for await (const { type, data } of events) if (type === 'container.unmet' && data?.['wish'] === 'network') break;
  await sleep(0);
  process.off('warning', hear);
  t.is(heard.filter((text) => text.includes('loopback alone')).length, 1, 'a script hears of it too');
}, { rootless: { network: 'none' } });

/** Some of its builds fail on some processors: without us, on a namespace of its own making. */
async function movesByItself(): Promise<boolean> {
  await using far = await serve(outside);
  const command = ['--config-net', '--no-map-gw', '-t', 'none', '-u', 'none', '-T', 'none', '-U', 'none', 'busybox', 'nc', '-w', '2', outside, String(far.port)];
  const { stdout } = await promisify(execFile)('pasta', command, { timeout: 5000 }).catch((failed: { readonly stdout?: string }) => ({ stdout: failed.stdout ?? '' }));
  return stdout.includes('hello');
}

interface Served extends AsyncDisposable {
  readonly port: number;
}

/** Says hello to whoever comes. */
async function serve(address: string): Promise<Served> {
  const server: Server = createServer((socket) => void socket.on('error', () => {}).end('hello\n'));
  server.listen(0, address);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: async () => void server.close() };
}

/** The program is told the name of a namespace in the run folder. */
function processesOf(program: string, folder: string): number[] {
  return programsOf(folder).filter((pid) => wordsOf(pid)[0]?.endsWith(`/${program}`));
}

function programsOf(folder: string): number[] {
  return processesWith((word) => word.startsWith(folder) && word.endsWith('/netns'));
}
