/**
 * Archives that attack: each is unpacked beside a folder that stands for the machine, and must leave that as it was. Whatever is refused leaves nothing at all. Needs root, as nodes and owners do.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../helpers/folder.js';
import { lacks } from '../../helpers/machine.js';
import { records, tar, type Entry } from '../../unpack/helpers/tar.js';
import { attributes, lacksUnpacker, runUnpacker, unpacker, unpackerEnv } from '../../unpack/helpers/unpacker.js';

const run = lacks({ root: true, unless: lacksUnpacker() }) ? test.skip : test;

interface Place {
  readonly folder: string;
  readonly tree: string;
  readonly unpack: (archive: Uint8Array, env?: Record<string, string>) => ReturnType<typeof runUnpacker>;
  /** A folder of the machine's with a file `secret`, reachable as `/outside` by nobody and as `../outside` from the tree. */
  readonly outside: string;
}

function place(t: ExecutionContext): Place {
  const folder = temporaryFolder(t);
  const outside = join(folder, 'outside');
  const layers = join(folder, 'layers');
  mkdirSync(outside);
  mkdirSync(layers);
  writeFileSync(join(outside, 'secret'), 'secret');
  return { folder, outside, tree: join(layers, 'tree'), unpack: (archive, env = {}) => runUnpacker(folder, { archive, args: ['@', join(layers, 'tree')], env }) };
}

function untouched(t: ExecutionContext, { outside }: Place): void {
  t.deepEqual(readdirSync(outside), ['secret']);
  t.is(readFileSync(join(outside, 'secret'), 'utf8'), 'secret');
  t.is(lstatSync(join(outside, 'secret')).nlink, 1);
}

const refused = test.macro((t, entries: readonly Entry[] | ((at: Place) => readonly Entry[]), words: RegExp) => {
  const at = place(t);
  const { status, stderr } = at.unpack(tar(...(typeof entries === 'function' ? entries(at) : entries)));
  t.is(status, 1);
  t.regex(stderr, words);
  t.deepEqual(readdirSync(join(at.folder, 'layers')), [], 'something was left');
  untouched(t, at);
});

const held = test.macro((t, entries: readonly Entry[] | ((at: Place) => readonly Entry[]), check: (t: ExecutionContext, at: Place) => void) => {
  const at = place(t);
  const { status, stderr } = at.unpack(tar(...(typeof entries === 'function' ? entries(at) : entries)));
  t.is(stderr, '');
  t.is(status, 0);
  t.deepEqual(readdirSync(join(at.folder, 'layers')), ['tree']);
  check(t, at);
  untouched(t, at);
});

const content = (at: Place, path: string): string => readFileSync(join(at.tree, path), 'utf8');

// names
run('a name with ..', refused, [{ name: '../outside/secret', data: 'x' }], /path holds '\.\.'/);
run('a name with .. in the middle', refused, [{ name: 'a/../../outside/secret', data: 'x' }], /path holds '\.\.'/);
run('a name that is ..', refused, [{ name: '..', type: '5' }], /path holds '\.\.'/);
run('an empty name', refused, [{ name: '', data: 'x' }], /path is empty/);
run('the root as a file', refused, [{ name: './', data: 'x' }], /path names the root/);
run('an absolute name lands inside', held, (at) => [{ name: `${at.outside}/secret`, data: 'x' }], (t, at) => t.is(content(at, `${at.outside}/secret`), 'x'));
run('slashes and dots are passed over', held, [{ name: './/a/./b//c', data: 'x' }], (t, at) => t.is(content(at, 'a/b/c'), 'x'));
run('a component that is too long', refused, [{ name: 'x', pax: { path: 'x'.repeat(256) } }], /component of more than 255/);
run('a PAX path over a harmless name', refused, [{ name: 'harmless', data: 'x', pax: { path: '../outside/secret' } }], /path holds '\.\.'/);
run('a global PAX path over harmless names', refused, [{ name: 'g', type: 'g', data: records({ path: '../outside/secret' }) }, { name: 'harmless', data: 'x' }], /path holds '\.\.'/);
run('a GNU long name over a harmless one', refused, [{ name: 'L', type: 'L', data: '../outside/secret\0' }, { name: 'harmless', data: 'x' }], /path holds '\.\.'/);

// symlinks
run('a write through an absolute symlink stays inside', held, (at) => [{ name: at.outside.slice(1), type: '5' }, { name: 'x', type: '2', link: at.outside }, { name: 'x/secret', data: 'x' }],
  (t, at) => t.is(content(at, `${at.outside}/secret`), 'x'));
run('a write through a symlink that climbs stays inside', held, [{ name: 'outside', type: '5' }, { name: 'd', type: '5' }, { name: 'd/x', type: '2', link: '../../../../../outside' }, { name: 'd/x/secret', data: 'x' }],
  (t, at) => t.is(content(at, 'outside/secret'), 'x'));
run('a write through a symlink to nowhere', refused, (at) => [{ name: 'x', type: '2', link: at.outside }, { name: 'x/secret', data: 'x' }], /cannot/);
run('a chain of symlinks', refused, [{ name: 'a', type: '2', link: 'b' }, { name: 'b', type: '2', link: 'a' }, { name: 'a/x', data: 'x' }], /Too many levels|symbolic links|cannot enter/);
run('a file takes the place of a symlink, and does not go through it', held, (at) => [{ name: 'x', type: '2', link: `${at.outside}/secret` }, { name: 'x', data: 'mine' }], (t, at) => {
  t.true(lstatSync(join(at.tree, 'x')).isFile());
  t.is(content(at, 'x'), 'mine');
});
run('a folder takes the place of a symlink', held, (at) => [{ name: 'x', type: '2', link: at.outside }, { name: 'x', type: '5' }, { name: 'x/new', data: '1' }], (t, at) => t.is(content(at, 'x/new'), '1'));
run('a file takes the place of a folder with content', held, [{ name: 'd/e/f/g', data: '1' }, { name: 'd/e', data: '2' }], (t, at) => t.is(content(at, 'd/e'), '2'));
run('modes and times of a folder do not reach through a symlink that took its place', held, (at) => [
  { name: 'd', type: '5', mode: 0o4777, mtime: 99 }, { name: 'd', type: '2', link: at.outside },
], (t, at) => {
  t.is(readlinkSync(join(at.tree, 'd')), at.outside);
  t.not(lstatSync(at.outside).mtimeMs, 99_000);
});

// hard links
run('a hard link out', refused, [{ name: 'x', type: '1', link: '../outside/secret' }], /linkpath holds '\.\.'/);
run('a hard link to an absolute name looks inside', refused, (at) => [{ name: 'x', type: '1', link: `${at.outside}/secret` }], /cannot/);
run('a hard link through a symlink looks inside', refused, (at) => [{ name: 's', type: '2', link: at.outside }, { name: 'x', type: '1', link: 's/secret' }], /cannot/);
run('a hard link to a symlink is one to the symlink itself', held, (at) => [{ name: 's', type: '2', link: `${at.outside}/secret` }, { name: 'x', type: '1', link: 's' }, { name: 'x', data: 'mine' }], (t, at) => {
  t.is(readlinkSync(join(at.tree, 's')), `${at.outside}/secret`);
  t.is(content(at, 'x'), 'mine');
});
run('a hard link to a folder', refused, [{ name: 'd', type: '5' }, { name: 'x', type: '1', link: 'd' }], /hard link/);
run('a hard link to itself', refused, [{ name: 'x', data: '1' }, { name: 'x', type: '1', link: './x' }], /names the entry itself/);
run('a hard link to the root', refused, [{ name: 'x', type: '1', link: '/' }], /names the root/);

// whiteouts
run('a whiteout of ..', refused, [{ name: 'd/.wh...' }], /whiteout of nothing/);
run('a whiteout of .', refused, [{ name: '.wh..' }], /whiteout of nothing/);
run('a whiteout of nothing', refused, [{ name: '.wh.' }], /whiteout of nothing/);
run('a path through a whiteout', refused, [{ name: '.wh.d/x', data: 'x' }], /goes through a whiteout/);
run('a whiteout is a device of its own kind', held, [{ name: 'd/.wh.gone' }], (t, at) => {
  const found = lstatSync(join(at.tree, 'd/gone'));
  t.true(found.isCharacterDevice());
  t.is(found.rdev, 0);
});
run('a whiteout hides nothing of its own layer', held, [{ name: 'f', data: 'mine' }, { name: '.wh.f' }, { name: '.wh.g' }, { name: 'g', data: 'mine too' }], (t, at) => {
  t.is(content(at, 'f'), 'mine');
  t.is(content(at, 'g'), 'mine too');
});
run('a folder and its whiteout make it opaque, in either order', held, [{ name: 'a', type: '5' }, { name: '.wh.a' }, { name: '.wh.b' }, { name: 'b', type: '5' }], (t, at) => {
  t.is(opaque(join(at.tree, 'a')), 'y');
  t.is(opaque(join(at.tree, 'b')), 'y');
});
run('an opaque folder, and AUFS\' own things', held, [{ name: 'd/.wh..wh..opq' }, { name: '.wh..wh.plnk/1.2', data: 'x' }, { name: '.wh..wh.aufs' }], (t, at) => {
  t.is(opaque(join(at.tree, 'd')), 'y');
  t.deepEqual(readdirSync(at.tree), ['d']);
});

// attributes
run('attributes of overlayfs are not the archive\'s to set', held, [{ name: 'd', type: '5', pax: {
  'SCHILY.xattr.trusted.overlay.opaque': 'y', 'SCHILY.xattr.trusted.overlay.redirect': '/etc', 'SCHILY.xattr.user.overlay.redirect': '/etc', 'SCHILY.xattr.security.selinux': 'x', 'SCHILY.xattr.user.fine': 'v',
} }], (t, at) => t.deepEqual(attributes(join(at.tree, 'd')), { 'user.fine': 'v' }));
run('an attribute that is malformed', refused, [{ name: 'f', pax: { 'SCHILY.xattr.security.capability': 'nonsense' } }], /attribute security.capability is malformed/);

// nodes, modes, ids
run('devices, fifos and set-id bits are kept', held, [
  { name: 'null', type: '3', mode: 0o666, major: 1, minor: 3 }, { name: 'disk', type: '4', mode: 0o660, major: 259, minor: 70_000, gid: 6 }, { name: 'pipe', type: '6', mode: 0o600 },
  { name: 'su', data: 'x', mode: 0o4755, uid: 0, gid: 50 }, { name: 'team', type: '5', mode: 0o2775, gid: 7 }, { name: 'team/f', data: 'x' }, { name: 'tmp', type: '5', mode: 0o1777 },
], (t, at) => {
  const mode = (path: string): number => lstatSync(join(at.tree, path)).mode & 0o7777;
  t.is(lstatSync(join(at.tree, 'null')).rdev, (1 << 8) | 3);
  t.true(lstatSync(join(at.tree, 'disk')).isBlockDevice());
  t.is(lstatSync(join(at.tree, 'disk')).gid, 6);
  t.true(lstatSync(join(at.tree, 'pipe')).isFIFO());
  t.is(mode('su'), 0o4755);
  t.is(mode('team'), 0o2775);
  t.is(lstatSync(join(at.tree, 'team/f')).gid, 0, 'the group was handed down by the folder');
  t.is(mode('tmp'), 0o1777);
});
run('an id that is out of range', refused, [{ name: 'f', uid: 2 ** 32 - 1 }], /uid is out of range/);
run('a negative id', refused, [{ name: 'f', gid: -5 }], /gid is out of range/);
run('a device that cannot be', refused, [{ name: 'f', type: '3', pax: {}, patch: (block) => void block.write('77777777', 329) }], /devmajor/);

// bounds
run('a sparse file larger than what is allowed', (t) => {
  const at = place(t);
  const { status, stderr } = at.unpack(tar({ name: 's', data: 'aa', pax: { 'GNU.sparse.size': String(2 ** 50), 'GNU.sparse.map': '0,2' } }));
  t.is(status, 1);
  t.regex(stderr, /size is more than is allowed: s/);
  t.deepEqual(readdirSync(join(at.folder, 'layers')), []);
});
run('a huge sparse file that is allowed takes no room', held, [{ name: 's', data: 'aa', pax: { 'GNU.sparse.size': String(2 ** 34), 'GNU.sparse.map': `${2 ** 33},2` } }], (t, at) => {
  const found = lstatSync(join(at.tree, 's'));
  t.is(found.size, 2 ** 34);
  t.true(found.blocks < 64);
});
run('a bomb of zeros', (t) => {
  const at = place(t);
  const bomb = gzipSync(tar({ name: 'f', data: Buffer.alloc(64 << 20) }), { level: 9 });
  t.true(bomb.length < 100_000);
  const { status, stderr } = at.unpack(bomb, { MAX_BYTES: String(1 << 20) });
  t.is(status, 1);
  t.regex(stderr, /more than/);
  t.deepEqual(readdirSync(join(at.folder, 'layers')), []);
});
run('a bomb of entries', (t) => {
  const at = place(t);
  const { status, stderr } = at.unpack(tar(...Array.from({ length: 101 }, (_, i) => ({ name: `f${i}` }))), { MAX_ENTRIES: '100' });
  t.is(status, 1);
  t.regex(stderr, /more than the 100 entries/);
  t.deepEqual(readdirSync(join(at.folder, 'layers')), []);
});
run('folders deeper than any path', (t) => {
  const at = place(t);
  const part = 'd/'.repeat(1000);
  t.teardown(() => execFileSync('rm', ['-rf', join(at.folder, 'layers')])); // Node's own removal goes down by recursion
  const entries: Entry[] = [{ name: 'x', type: '5', pax: { path: part } }, { name: 's1', type: '2', link: part.slice(0, 90) }];
  const links = Array.from({ length: 5 }, (_, i): Entry[] => [
    { name: 'x', type: '2', pax: { path: `l${i}`, linkpath: i === 0 ? part : `l${i - 1}/${part}` } }, { name: 'x', type: '5', pax: { path: `l${i}/${part}` } },
  ]).flat();
  t.is(at.unpack(tar(...entries, ...links)).stderr, '');
  t.true(existsSync(at.tree));
  // And what is so deep can be replaced, which means removed.
  const second = runUnpacker(at.folder, { archive: tar(...entries, ...links, { name: 'd', data: 'x' }), args: ['@', join(at.folder, 'layers', 'second')] });
  t.is(second.stderr, '');
  t.is(readFileSync(join(at.folder, 'layers', 'second', 'd'), 'utf8'), 'x');
});

// the whole
run('an archive that is cut off', (t) => {
  const at = place(t);
  const { status } = at.unpack(gzipSync(tar({ name: 'a', data: 'x'.repeat(9999) }, { name: 'b' })).subarray(0, 100));
  t.is(status, 1);
  t.deepEqual(readdirSync(join(at.folder, 'layers')), []);
});
run('a full disk', (t) => {
  const at = place(t);
  writeFileSync(join(at.folder, 'a.tar'), tar({ name: 'a', data: 'x' }, { name: 'b', data: Buffer.alloc(3 << 20) }));
  const layers = join(at.folder, 'layers');
  const script = `mount -t tmpfs -o size=1m none ${layers}; ${unpacker()} ${at.folder}/a.tar ${at.tree}; echo "status $?"; ls -A ${layers}`;
  const { stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', script], { encoding: 'utf8', env: unpackerEnv([]) });
  t.regex(stderr, /No space left on device: layer: cannot write/);
  t.is(stdout, 'status 1\n');
});
run('SIGTERM in the middle', async (t) => {
  const at = place(t);
  writeFileSync(join(at.folder, 'a.tar'), tar({ name: 'a', data: Buffer.alloc(200 << 20) }));
  const child = spawn(unpacker(), [join(at.folder, 'a.tar'), at.tree], { stdio: ['ignore', 'ignore', 'pipe'], env: unpackerEnv([]) });
  const words = text(child.stderr);
  while (!readdirSync(join(at.folder, 'layers')).some((name) => existsSync(join(at.folder, 'layers', name, 'a')))) await sleep(1);
  child.kill('SIGTERM');
  t.regex(await words, /cancelled/);
  t.deepEqual(readdirSync(join(at.folder, 'layers')), []);
});
run('a digest that does not match', (t) => {
  const at = place(t);
  const { status, stderr } = runUnpacker(at.folder, { archive: tar({ name: 'a' }), args: ['@', at.tree, `sha256:${'0'.repeat(64)}`] });
  t.is(status, 1);
  t.regex(stderr, /digest is sha256:[0-9a-f]{64}, not what was said/);
  t.deepEqual(readdirSync(join(at.folder, 'layers')), []);
});
run('a diffID that does not match', (t) => {
  const at = place(t);
  const digest = JSON.parse(runUnpacker(at.folder, { archive: tar({ name: 'a' }), args: ['@', join(at.folder, 'other')] }).stdout.toString()) as { digest: string };
  const { status, stderr } = runUnpacker(at.folder, { archive: tar({ name: 'a' }), args: ['@', at.tree, digest.digest, `sha256:${'0'.repeat(64)}`] });
  t.is(status, 1);
  t.regex(stderr, /diffID is/);
  t.false(existsSync(at.tree));
});
run('a target that exists counts as done, and stays', (t) => {
  const at = place(t);
  t.is(at.unpack(tar({ name: 'first' })).status, 0);
  t.is(at.unpack(tar({ name: 'second' })).status, 0);
  t.deepEqual(readdirSync(at.tree), ['first']);
  t.deepEqual(readdirSync(join(at.folder, 'layers')), ['tree']);
});

function opaque(path: string): string | undefined {
  return attributes(path)['trusted.overlay.opaque'];
}
