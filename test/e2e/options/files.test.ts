/** The root filesystem and its mounts: what is writable, what moves between machine and container, and what stays out. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerOptions } from '@core/core/plugin';
import { e2e } from '../../helpers/e2e.js';
import { optionCases } from '../../helpers/option-case.js';
import { mountsOf } from '../../helpers/proc.js';
import type { Folders } from '../../helpers/stage.js';

optionCases({
  'readonly: the root refuses writes, /dev/shm and tmpfs do not': {
    options: { readonly: true, mounts: [{ type: 'tmpfs', target: '/tmp' }] },
    script: 'touch /x 2>&1 | grep -o "Read-only.*"; touch /tmp/x /dev/shm/x && echo ok',
    inside: 'Read-only file system\nok',
    outside: (t, { pid }) => t.true(mountsOf(pid).get('/')?.options.includes('ro')),
  },
  'the root is writable by default, and the image is not changed': {
    options: {},
    script: 'echo mine > /etc/passwd; cat /etc/passwd',
    inside: 'mine',
    outside: async (t, { pid }, stage) => {
      t.is(mountsOf(pid).get('/')?.type, 'overlay');
      t.is((await stage.through({}, 'head -c 5 /etc/passwd')).out, 'root:');
    },
  },
  'shmSize': {
    options: { shmSize: '3m' },
    script: 'df -k /dev/shm | tail -n 1 | tr -s " " | cut -d" " -f2; stat -c %a /dev/shm',
    inside: '3072\n1777',
    outside: (t, { pid }) => t.true(mountsOf(pid).get('/dev/shm')?.superOptions.includes('size=3072k')),
  },
  'tmpfs: size and mode, and enforced': {
    options: { mounts: [{ type: 'tmpfs', target: '/scratch', size: '1m', mode: 0o750 }] },
    script: 'stat -c %a /scratch; dd if=/dev/zero of=/scratch/f bs=64k count=64 2>&1 | grep -o "No space.*"; stat -c %s /scratch/f',
    inside: '750\nNo space left on device\n1048576',
    outside: (t, { pid }) => {
      const mount = mountsOf(pid).get('/scratch');
      t.is(mount?.type, 'tmpfs');
      t.true(mount?.superOptions.includes('size=1024k') && ['nosuid', 'nodev', 'noexec'].every((flag) => mount.options.includes(flag)), JSON.stringify(mount));
    },
  },
  'tmpfs: exec when asked, read-only when asked': {
    options: { mounts: [{ type: 'tmpfs', target: '/run-me', exec: true }, { type: 'tmpfs', target: '/look', readonly: true }] },
    script: 'cp /bin/busybox /run-me/true && /run-me/true && echo ran; touch /look/x 2>&1 | grep -o "Read-only.*"',
    inside: 'ran\nRead-only file system',
    outside: (t, { pid }) => {
      t.false(mountsOf(pid).get('/run-me')?.options.includes('noexec'));
      t.true(mountsOf(pid).get('/look')?.options.includes('ro'));
    },
  },
  'no mount of the machine is seen inside, and none of the container\'s outside': {
    options: {},
    script: 'grep -c . /proc/self/mountinfo; grep -cE " /(boot|home/.+|run|var/lib) " /proc/self/mountinfo',
    inside: /^\d+\n0$/,
    outside: (t, { pid }) => {
      const outside = new Set(readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map((line) => line.split(' ')[0]));
      const shared = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').trim().split('\n').filter((line) => outside.has(line.split(' ')[0]));
      t.deepEqual(shared, []);
    },
  },
});

type Bind = Omit<Extract<NonNullable<ContainerOptions['mounts']>[number], { type: 'bind' }>, 'type' | 'source' | 'target'>;

/** A folder of the machine, with a tmpfs mounted below it before the container starts. */
function withSource(title: string, bind: Bind, body: (t: import('ava').ExecutionContext, look: { source: string; said: string; pid: number; sh(line: string): Promise<{ out: string }> }) => Promise<void> | void): void {
  e2e(title, async (t, stage) => {
    const source = sourceFolder(stage.folders);
    mount('--make-shared', '-t', 'tmpfs', 'source', source);
    mkdirSync(join(source, 'below'));
    mount('-t', 'tmpfs', 'below', join(source, 'below'));
    writeFileSync(join(source, 'file'), 'of the machine\n');
    writeFileSync(join(source, 'below', 'deep'), 'deep\n');
    try {
      const box = await stage.up({ mounts: [{ type: 'bind', source, target: '/mnt/in', ...bind }], capabilities: { add: ['SYS_ADMIN'] }, seccomp: 'unconfined' }, 'cat /mnt/in/file; ls /mnt/in/below');
      await body(t, { source, said: box.said, pid: box.pid, sh: box.sh });
      await stage.removeAll();
    } finally {
      spawnSync('umount', ['-R', source]);
      rmdirSync(source);
    }
  });
}

withSource('bind: writable both ways, what is mounted below comes along', {}, async (t, { source, said, sh }) => {
  t.is(said, 'of the machine\ndeep');
  await sh('echo from inside > /mnt/in/new');
  t.is(readFileSync(join(source, 'new'), 'utf8'), 'from inside\n');
  writeFileSync(join(source, 'file'), 'changed\n');
  t.is((await sh('cat /mnt/in/file')).out, 'changed');
});

withSource('bind: not recursive leaves out what is mounted below', { recursive: false }, (t, { said, source, pid }) => {
  t.is(said, 'of the machine');
  t.true(existsSync(join(source, 'below', 'deep')));
  t.false(mountsOf(pid).has('/mnt/in/below'));
});

withSource('bind: readonly holds for every mount below it, and cannot be undone inside', { readonly: true }, async (t, { source, pid, sh }) => {
  const tries = await sh('for f in /mnt/in/x /mnt/in/below/x; do touch $f 2>&1 | grep -o "Read-only.*"; done');
  t.is(tries.out, 'Read-only file system\nRead-only file system');
  t.true(mountsOf(pid).get('/mnt/in')?.options.includes('ro') && mountsOf(pid).get('/mnt/in/below')?.options.includes('ro'));
  writeFileSync(join(source, 'below', 'still'), 'writable outside');
});

withSource('bind: private by default, later mounts go neither way', {}, async (t, { source, pid, sh }) => {
  mkdirSync(join(source, 'later'));
  mount('-t', 'tmpfs', 'later', join(source, 'later'));
  writeFileSync(join(source, 'later', 'seen'), '');
  t.is((await sh('ls /mnt/in/later')).out, '');
  await sh('mkdir /mnt/in/own && /bin/busybox mount -t tmpfs own /mnt/in/own && touch /mnt/in/own/x');
  t.deepEqual(mountsOf(pid).get('/mnt/in')?.propagation, []);
  t.false(existsSync(join(source, 'own', 'x')));
});

withSource('bind: slave sees later mounts of the machine, and shows none', { propagation: 'rslave' }, async (t, { source, pid, sh }) => {
  mkdirSync(join(source, 'later'));
  mount('-t', 'tmpfs', 'later', join(source, 'later'));
  writeFileSync(join(source, 'later', 'seen'), '');
  t.is((await sh('ls /mnt/in/later')).out, 'seen');
  t.regex(mountsOf(pid).get('/mnt/in')?.propagation.join(' ') ?? '', /^master:/);
  await sh('mkdir /mnt/in/own && mount -t tmpfs own /mnt/in/own && touch /mnt/in/own/x');
  t.false(existsSync(join(source, 'own', 'x')));
});

withSource('bind: shared shows the container\'s mounts on the machine', { propagation: 'rshared' }, async (t, { source, sh }) => {
  t.is((await sh('mkdir /mnt/in/own && busybox mount -t tmpfs own /mnt/in/own && touch /mnt/in/own/x; echo $?')).out, '0');
  t.true(existsSync(join(source, 'own', 'x')));
});

e2e('bind: a single file', async (t, stage) => {
  const source = join(sourceFolder(stage.folders), 'one');
  writeFileSync(source, 'one\n');
  const box = await stage.up({ mounts: [{ type: 'bind', source, target: '/etc/one/file', readonly: true }] }, 'cat /etc/one/file');
  t.is(box.said, 'one');
  t.is(statSync(`/proc/${box.pid}/root/etc/one/file`).ino, statSync(source).ino);
  await stage.removeAll();
  spawnSync('rm', ['-r', join(source, '..')]);
});

e2e('bind: idmap makes root inside the owner of what root owns outside', async (t, stage) => {
  const source = sourceFolder(stage.folders);
  const box = await stage.up({ namespaces: { user: 'private' }, mounts: [{ type: 'bind', source, target: '/data', idmap: true }] }, 'stat -c %u /data; touch /data/new && stat -c %u /data/new');
  t.is(box.said, '0\n0');
  t.is(statSync(join(source, 'new')).uid, 0, 'not 100000: the ids are mapped by the mount');
  await stage.removeAll();
  spawnSync('rm', ['-r', source]);
});

function sourceFolder({ root }: Folders): string {
  const folder = join(root, 'source');
  mkdirSync(folder);
  return folder;
}

function mount(...args: string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr}`);
}
