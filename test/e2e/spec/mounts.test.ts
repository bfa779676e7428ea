/** Mounts, propagation and joined namespaces as the specification has them: from inside, and from the machine. Needs root. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { declareUnless } from '../../helpers/declare.js';
import { rootfs } from '../../helpers/images.js';
import { lacking, Runtime, statFields } from './support.js';

const run = declareUnless(lacking);

function mount(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** A tmpfs of the test's own, shared as the machine's root is where systemd runs; gone after the test. */
function sharedFolder(t: ExecutionContext, runtime: Runtime): string {
  const folder = join(runtime.folder, 'shared');
  mkdirSync(folder);
  mount('-t', 'tmpfs', 'tmpfs', folder);
  mount('--make-shared', folder);
  t.teardown(() => spawnSync('umount', ['-R', '-l', folder]));
  return folder;
}

function mountsBelow(folder: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map((line) => line.split(' ')[4] ?? '').filter((path) => path.startsWith(`${folder}/`));
}

run('a relative destination is one below the root, tidied', async (t) => {
  const runtime = await Runtime.open(t);
  const { lines } = await runtime.up('grep -c " /data/x/y tmpfs " /proc/mounts', { mounts: [{ destination: 'data//x/./y/', type: 'tmpfs' }] });
  t.deepEqual(lines, ['1']);
});

run('remount: the mount that is there becomes read-only, with what is in it', async (t) => {
  const runtime = await Runtime.open(t);
  const mounts = [{ destination: '/t', type: 'tmpfs', options: ['mode=711'] }, { destination: '/t', type: 'none', options: ['remount', 'ro', 'noexec'] }];
  const { lines } = await runtime.up('stat -c %a /t; grep -c " /t " /proc/mounts; touch /t/x 2>&1; grep " /t " /proc/mounts | cut -d" " -f4', { mounts });
  t.is(lines.length, 4, lines.join('\n'));
  t.deepEqual(lines.slice(0, 2), ['711', '1']);
  t.regex(lines[2] ?? '', /Read-only/);
  t.regex(lines[3] ?? '', /^ro,.*noexec/);
});

run('rro: what is mounted below a bind is read-only too; ro: it is not', async (t) => {
  const runtime = await Runtime.open(t);
  const shared = sharedFolder(t, runtime);
  mkdirSync(join(shared, 'below'));
  mount('-t', 'tmpfs', 'tmpfs', join(shared, 'below'));
  const bind = (destination: string, option: string) => ({ destination, type: 'bind', source: shared, options: ['rbind', option] });
  const { lines } = await runtime.up('for m in all one; do for f in $m $m/below; do touch /$f/x 2>/dev/null && echo $f; done; done', { mounts: [bind('/all', 'rro'), bind('/one', 'ro')] });
  t.deepEqual(lines, ['one/below']);
});

run('the propagation of a mount that is there', async (t) => {
  const runtime = await Runtime.open(t);
  const mounts = [{ destination: '/t', type: 'tmpfs' }, { destination: '/t', type: 'none', options: ['shared'] }];
  const { lines } = await runtime.up('grep " /t " /proc/self/mountinfo', { mounts });
  t.is(lines.length, 1);
  t.regex(lines[0] ?? '', / shared:\d+ /);
});

run('rootfsPropagation: of the root, and with "r" of all below', async (t) => {
  const runtime = await Runtime.open(t);
  const script = 'grep -c "shared:" /proc/self/mountinfo';
  const one = await runtime.up(script, { linux: { rootfsPropagation: 'shared' } });
  const all = await runtime.up(script, { linux: { rootfsPropagation: 'rshared' } });
  t.is(one.lines[0], '1');
  t.true(Number(all.lines[0]) >= 3, all.lines[0]);
});

run('a folder of a shared mount as root: what is mounted in it never reaches the machine', async (t) => {
  const runtime = await Runtime.open(t);
  const shared = sharedFolder(t, runtime);
  const root = join(shared, 'root');
  cpSync(rootfs(), root, { recursive: true, verbatimSymlinks: true });
  for (const rootfsPropagation of ['', 'shared', 'rshared'] as const) {
    const { pid } = await runtime.up('mkdir -p /made; mount -t tmpfs tmpfs /made; ls /made', {
      rootfs: { kind: 'folder', path: root }, linux: { rootfsPropagation }, mounts: [{ destination: '/t', type: 'tmpfs' }],
      process: { capabilities: { bounding: ['CAP_SYS_ADMIN'], effective: ['CAP_SYS_ADMIN'], permitted: ['CAP_SYS_ADMIN'] } },
    });
    const inside = readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
    for (const path of ['/proc', '/t', '/made']) t.true(inside.includes(` ${path} `), path);
    t.deepEqual(mountsBelow(shared), [], rootfsPropagation);
  }
});

run('a kept namespace is joined by its path, though it was mounted after the executor began', async (t) => {
  const runtime = await Runtime.open(t);
  const first = await runtime.up('');
  const file = join(runtime.folder, 'kept');
  writeFileSync(file, '');
  mount('--bind', `/proc/${first.pid}/ns/net`, file);
  t.teardown(() => spawnSync('umount', [file]));
  const joined = await runtime.up('', { linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }, { type: 'network', path: file }] } });
  t.is(readlinkSync(`/proc/${joined.pid}/ns/net`), readlinkSync(`/proc/${first.pid}/ns/net`));
  const wrong = { linux: { namespaces: [{ type: 'pid' as const }, { type: 'mount' as const }, { type: 'ipc' as const, path: file }] } };
  await t.throwsAsync(runtime.up('', wrong), { code: 'E_SETUP', message: /another type/ });
  await t.throwsAsync(runtime.up('', { linux: { namespaces: [{ type: 'mount' }, { type: 'network', path: '/etc/passwd' }] } }), { code: 'E_SETUP', message: /no namespace/ });
});

run('a pid namespace is joined: both see each other, and the one that came goes alone', async (t) => {
  const runtime = await Runtime.open(t);
  const first = await runtime.up('');
  const guest = { linux: { namespaces: [{ type: 'mount' as const }, { type: 'pid' as const, path: `/proc/${first.pid}/ns/pid` }], resources: { pids: { limit: 20 } } } };
  const joined = await runtime.up('sleep 555 & cat /proc/1/cmdline | tr "\\0" " "; echo; [ $$ -gt 1 ] && echo guest', guest);
  t.deepEqual(joined.lines, ['sleep 1000 ', 'guest']);
  t.is(readlinkSync(`/proc/${joined.pid}/ns/pid`), readlinkSync(`/proc/${first.pid}/ns/pid`));
  const [monitor = 0] = statFields(joined.pid, 4);
  t.is(readlinkSync(`/proc/${monitor}/ns/pid_for_children`), readlinkSync('/proc/self/ns/pid'), 'the monitor stays where it is');
  t.deepEqual(await runtime.exec(joined.id, 'cat /proc/1/cmdline | tr "\\0" " "'), ['sleep 1000']);
  t.is((await runtime.exec(first.id, 'ps | grep -c "[s]leep 555"'))[0], '1');
  await runtime.driver.remove({ id: joined.id });
  t.is((await runtime.exec(first.id, 'ps | grep -c "[s]leep 555"'))[0], '0', 'nothing of it stays behind');
});

run('a folder whose owners are shifted already is root of a user namespace as it is', async (t) => {
  const runtime = await Runtime.open(t);
  const root = join(runtime.folder, 'bundle');
  cpSync(rootfs(), root, { recursive: true, verbatimSymlinks: true });
  const first = 200_000;
  spawnSync('chown', ['-R', '-h', `${first}:${first}`, root]);
  const map = [{ containerID: 0, hostID: first, size: 65_536 }];
  const linux = { namespaces: (['pid', 'mount', 'user', 'ipc', 'network'] as const).map((type) => ({ type })), uidMappings: map, gidMappings: map };
  const script = 'stat -c %u:%g /etc/passwd; : > /made; stat -c %u /made';
  const { lines } = await runtime.up(script, { rootfs: { kind: 'folder', path: root, idmap: false }, linux });
  t.deepEqual(lines, ['0:0', '0']);
  t.is(statSync(join(root, 'made')).uid, first, 'on disk it is whom the mapping stands for');
});
