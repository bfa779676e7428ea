/** Real archives, against what GNU tar makes of them: kinds, contents, owners, modes, times, links, devices and attributes of every file. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, existsSync, linkSync, lstatSync, mkdirSync, readFileSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../helpers/folder.js';
import { findTool, lacks } from '../../helpers/machine.js';
import { describe } from '../../unpack/helpers/describe.js';
import { lacksUnpacker, runUnpacker } from '../../unpack/helpers/unpacker.js';

const run = lacks({ root: true, tools: ['tar', 'mknod', 'setcap'], unless: lacksUnpacker() }) ? test.skip : test;

/** A bit of everything that a tree can hold. */
function makeTree(folder: string): void {
  mkdirSync(join(folder, 'usr/lib/deep'), { recursive: true });
  mkdirSync(join(folder, 'empty'), { mode: 0o700 });
  writeFileSync(join(folder, 'usr/small'), 'small');
  writeFileSync(join(folder, 'usr/none'), '');
  writeFileSync(join(folder, 'usr/big'), Buffer.alloc(3_000_001, 'big '));
  writeFileSync(join(folder, `usr/${'long-name-'.repeat(20)}`), 'long');
  writeFileSync(join(folder, 'usr/caf\u00e9 \u2603'), 'umlaut');
  writeFileSync(join(folder, 'usr/lib/deep/su'), 'su', { mode: 0o755 });
  execFileSync('chmod', ['6755', join(folder, 'usr/lib/deep/su')]);
  chownSync(join(folder, 'usr/small'), 1000, 70_000);
  linkSync(join(folder, 'usr/big'), join(folder, 'usr/lib/also-big'));
  symlinkSync('usr/lib', join(folder, 'lib'));
  symlinkSync('/nowhere/at/all', join(folder, 'dangling'));
  execFileSync('chown', ['-h', '5:6', join(folder, 'dangling')]);
  execFileSync('mknod', ['-m', '660', join(folder, 'null'), 'c', '1', '3']);
  execFileSync('mknod', ['-m', '600', join(folder, 'pipe'), 'p']);
  writeFileSync(join(folder, 'usr/capable'), 'x', { mode: 0o755 });
  execFileSync(findTool('setcap') as string, ['cap_net_bind_service=ep', join(folder, 'usr/capable')]);
  writeFileSync(join(folder, 'holes'), 'begin');
  truncateSync(join(folder, 'holes'), 5_000_000);
  execFileSync('dd', ['if=/dev/urandom', `of=${join(folder, 'holes')}`, 'bs=4096', 'seek=500', 'count=3', 'conv=notrunc', 'status=none']);
  utimesSync(join(folder, 'usr/small'), 1.5, 1_234_567_890.987_654);
  utimesSync(join(folder, 'usr/lib'), 7, 7);
  execFileSync('chmod', ['2775', join(folder, 'usr/lib/deep')]);
  execFileSync('chmod', ['1777', join(folder, 'empty')]);
}

const same = test.macro((t, options: readonly string[], packer: string | undefined) => {
  const folder = temporaryFolder(t);
  const tree = join(folder, 'tree');
  mkdirSync(tree);
  makeTree(tree);
  const xattrs = options.includes('--format=pax') ? ['--xattrs', '--xattrs-include=*'] : [];
  execFileSync('tar', ['-C', tree, ...xattrs, ...options, '-cf', join(folder, 'a.tar'), '.']);
  const archive = packer === undefined ? readFileSync(join(folder, 'a.tar')) : execFileSync(packer, ['-c', join(folder, 'a.tar')], { maxBuffer: 1 << 30 });
  compare(t, { folder, archive });
});

function compare(t: ExecutionContext, { folder, archive }: { readonly folder: string; readonly archive: Buffer }): void {
  const [ours, theirs] = [join(folder, 'ours'), join(folder, 'theirs')];
  const { status, stdout, stderr } = runUnpacker(folder, { archive, args: ['@', ours] });
  t.is(stderr, '');
  t.is(status, 0);
  mkdirSync(theirs);
  execFileSync('tar', ['-C', theirs, '--xattrs', '--xattrs-include=*', '--numeric-owner', '--same-owner', '-xpf', join(folder, 'a.tar')]);
  t.deepEqual(describe(ours), describe(theirs));
  const { diffId } = JSON.parse(stdout.toString()) as { diffId: string };
  t.is(diffId, `sha256:${createHash('sha256').update(readFileSync(join(folder, 'a.tar'))).digest('hex')}`);
}

run('ustar-like names, GNU format', same, ['--format=gnu'], undefined);
run('PAX', same, ['--format=pax'], undefined);
run('PAX by gzip', same, ['--format=pax'], 'gzip');
(findTool('zstd') ? run : test.skip)('PAX by zstd', same, ['--format=pax'], 'zstd');
run('sparse, GNU format', same, ['--format=gnu', '--sparse'], 'gzip');
for (const version of ['0.0', '0.1', '1.0']) run(`sparse, PAX ${version}`, same, ['--format=pax', '--sparse', `--sparse-version=${version}`], 'gzip');
run('holes stay holes', (t) => {
  const folder = temporaryFolder(t);
  const tree = join(folder, 'tree');
  mkdirSync(tree);
  makeTree(tree);
  const archive = execFileSync('tar', ['-C', tree, '--sparse', '-c', '.'], { maxBuffer: 1 << 30 });
  t.is(runUnpacker(folder, { archive, args: ['@', join(folder, 'ours')] }).status, 0);
  const { size, blocks } = lstatSync(join(folder, 'ours/holes'));
  t.is(size, 5_000_000);
  t.true(blocks * 512 < 100_000, `${blocks} blocks`);
});
(existsSync('/usr/share/bash-completion') ? run : test.skip)('the machine\'s own files', (t) => {
  const folder = temporaryFolder(t);
  execFileSync('tar', ['-C', '/usr/share/bash-completion', '--format=pax', '-cf', join(folder, 'a.tar'), '.']);
  compare(t, { folder, archive: execFileSync('gzip', ['-1', '-c', join(folder, 'a.tar')], { maxBuffer: 1 << 30 }) });
});
