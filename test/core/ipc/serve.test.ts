import test, { type ExecutionContext } from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoreError } from '#core/errors/index.js';
import { dial, exported, serve, type LinkServer, type ServeOptions } from '#core/ipc/index.js';
import { Probe, probe } from './probe.js';

async function folder(t: ExecutionContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'serve-'));
  t.teardown(() => rm(made, { recursive: true, force: true }));
  return made;
}

async function served(t: ExecutionContext, path: string, options: Partial<ServeOptions> = {}): Promise<LinkServer> {
  const server = await serve({ path, exports: [exported(Probe, probe())], ...options });
  t.teardown(() => server.close());
  return server;
}

test('a client dials, calls and goes; the server closes and leaves nothing', async (t) => {
  const run = await folder(t);
  const path = join(run, 'deeper', 'core.sock');
  const server = await served(t, path);
  const link = await dial({ path });
  t.is(await link.port(Probe).math.add({ a: 20, b: 22 }), 42);
  t.is(server.links, 1);
  await server.close();
  await link.closed;
  t.is(link.reason?.code, 'E_CLOSED');
  t.deepEqual(await readdir(join(run, 'deeper')), []);
  await server.close();
});

test('the socket is 0600 and new folders are 0700', async (t) => {
  const path = join(await folder(t), 'a', 'b', 'core.sock');
  await served(t, path);
  t.is((await stat(path)).mode & 0o777, 0o600);
  t.is((await stat(join(path, '..'))).mode & 0o777, 0o700);
  t.is((await stat(join(path, '..', '..'))).mode & 0o777, 0o700);
  t.deepEqual(await readdir(join(path, '..')), ['core.sock']);
});

test('paths over 107 bytes work for both', async (t) => {
  const path = join(await folder(t), 'd'.repeat(100), 'e'.repeat(100), 'core.sock');
  await served(t, path);
  const link = await dial({ path });
  t.is(await link.port(Probe).echo('far away'), 'far away');
  await link.close();
});

test('a socket somebody answers on is left alone', async (t) => {
  const path = join(await folder(t), 'core.sock');
  await served(t, path);
  await t.throwsAsync(serve({ path }), { code: 'E_BUSY' });
  const link = await dial({ path });
  t.is(await link.port(Probe).echo(1), 1);
  await link.close();
});

test('a socket left by a killed server is replaced', async (t) => {
  const path = join(await folder(t), 'core.sock');
  const child = spawn(process.execPath, ['-e', `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  await t.throwsAsync(dial({ path }), { code: 'E_UNREACHABLE', message: /nobody listens/ });
  await served(t, path);
  const link = await dial({ path });
  t.is(await link.port(Probe).echo(1), 1);
  await link.close();
});

test('a file that is no socket is never removed', async (t) => {
  const path = join(await folder(t), 'core.sock');
  await writeFile(path, 'precious');
  await t.throwsAsync(serve({ path }), { code: 'E_EXISTS' });
  t.is((await stat(path)).size, 8);
});

test('a folder that strangers may write to is refused', async (t) => {
  const open = join(await folder(t), 'open');
  await mkdir(open);
  await chmod(open, 0o777);
  await t.throwsAsync(serve({ path: join(open, 'core.sock') }), { code: 'E_INVALID', message: /written by other users/ });
  t.deepEqual(await readdir(open), []);
});

test('closing does not remove a later server\'s socket', async (t) => {
  const path = join(await folder(t), 'core.sock');
  const first = await served(t, path);
  await rm(path);
  await served(t, path);
  await first.close();
  const link = await dial({ path });
  t.is(await link.port(Probe).echo(1), 1);
  await link.close();
});

test('nothing there: E_UNREACHABLE with the way out', async (t) => {
  const error = await t.throwsAsync<CoreError>(dial({ path: join(await folder(t), 'none.sock') }), { code: 'E_UNREACHABLE' });
  t.regex(error?.hint ?? '', /core run/);
});

test('authorize turns a client away', async (t) => {
  const path = join(await folder(t), 'core.sock');
  const server = await served(t, path, { authorize: ({ identity }) => { if (identity.name !== 'friend') throw new CoreError('E_REFUSED', { message: 'strangers stay out' }); } });
  await t.throwsAsync(dial({ path }), { code: 'E_REFUSED', message: 'strangers stay out' });
  const link = await dial({ path, identity: { name: 'friend' } });
  t.is(await link.port(Probe).echo(1), 1);
  await link.close();
  t.true(server.links <= 1);
});

test('a client that never says hello is dropped, others are served meanwhile', async (t) => {
  const path = join(await folder(t), 'core.sock');
  const server = await served(t, path, { limits: { handshakeTimeout: 1000 } });
  const mute = connect(path);
  mute.resume();
  const link = await dial({ path });
  t.is(await link.port(Probe).echo(1), 1);
  await once(mute, 'close');
  await link.close();
  await server.close();
});

test('one client too many is turned away', async (t) => {
  const path = join(await folder(t), 'core.sock');
  await served(t, path, { maxLinks: 1 });
  const link = await dial({ path });
  await t.throwsAsync(dial({ path }), { code: 'E_CLOSED' });
  await link.close();
});

test('dialling can be aborted while the other end says nothing', async (t) => {
  const path = join(await folder(t), 'core.sock');
  await served(t, path, { authorize: () => new Promise<void>(() => undefined) });
  const controller = new AbortController();
  const pending = dial({ path, signal: controller.signal });
  setTimeout(() => controller.abort(), 10);
  await t.throwsAsync(pending, { code: 'E_ABORTED' });
  await t.throwsAsync(dial({ path, signal: AbortSignal.abort() }), { code: 'E_ABORTED' });
});

test('a process that dialled and closed ends by itself: no handle is left', async (t) => {
  const path = join(await folder(t), 'core.sock');
  await served(t, path);
  const program = `
    const { dial } = await import(${JSON.stringify(new URL('../../../../core/dist/ipc/dial.js', import.meta.url).href)});
    const link = await dial({ path: ${JSON.stringify(path)} });
    await link.close();
    process._getActiveHandles().filter((h) => h.constructor.name === 'Socket' && !h.isTTY && h.fd === undefined && !h.destroyed).forEach((h) => console.log('left', h.constructor.name));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = await once(child, 'close');
  t.is(code, 0);
  t.is(output, '');
});
