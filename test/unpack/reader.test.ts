/** The tar reader: what it sees in archives of every form, and what it refuses. Needs no root: nothing is written. */
import test from 'ava';
import { temporaryFolder } from '../helpers/folder.js';
import { octal, record, records, tar, member, type Entry } from './helpers/tar.js';
import { lacksUnpacker, runUnpacker } from './helpers/unpacker.js';

const run = lacksUnpacker() ? test.skip : test;
const long = 'd/'.repeat(200) + 'file';

const seen = test.macro((t, archive: Buffer, lines: readonly string[]) => {
  const { status, stdout, stderr } = runUnpacker(temporaryFolder(t), { archive, args: ['--list', '@'] });
  t.is(stderr, '');
  t.is(status, 0);
  t.deepEqual(stdout.toString().split('\n').slice(0, -1), lines);
});

const refused = test.macro((t, archive: Buffer, words: RegExp) => {
  const { status, stderr } = runUnpacker(temporaryFolder(t), { archive, args: ['--list', '@'] });
  t.is(status, 1);
  t.regex(stderr, words);
});

const ZERO = '0.000000000';
const gnu = (block: Buffer): void => void block.write('ustar  \0', 257, 'latin1');

run('a file', seen, tar({ name: 'a/b', data: 'hello', uid: 7, gid: 8, mode: 0o4755, mtime: 5 }), ['0 4755 7:8 5 5.000000000 a/b']);
run('the prefix of a POSIX header', seen, tar({ name: 'b', patch: (block) => void block.write('a/deep', 345) }), [`0 0644 0:0 0 ${ZERO} a/deep/b`]);
run('a GNU header has no prefix', seen, tar({ name: 'b', patch: (block) => (gnu(block), void block.write('a/deep', 345)) }), [`0 0644 0:0 0 ${ZERO} b`]);
run('a folder of before POSIX', seen, tar({ name: 'old/', type: '\0' }, { name: 'file', type: '\0' }), [`5 0644 0:0 0 ${ZERO} old/`, `0 0644 0:0 0 ${ZERO} file`]);
run('a GNU long name and a long link', seen, tar({ name: 'L', type: 'L', data: `${long}\0` }, { name: 'K', type: 'K', data: `${long}x\0` }, { name: 'short', type: '2', link: 'short' }), [`2 0644 0:0 0 ${ZERO} ${long} -> ${long}x`]);
run('a PAX path over the header', seen, tar({ name: 'short', pax: { path: long } }), [`0 0644 0:0 0 ${ZERO} ${long}`]);
run('a PAX path over a GNU long name', seen, tar({ name: 'L', type: 'L', data: 'gnu\0' }, { name: 'short', pax: { path: 'pax' } }), [`0 0644 0:0 0 ${ZERO} pax`]);
run('a global PAX header, overruled by a local one', seen, tar({ name: 'g', type: 'g', data: records({ uid: '70000', mtime: '7.5' }) }, { name: 'a' }, { name: 'b', pax: { uid: '3' } }),
  ['0 0644 70000:0 0 7.500000000 a', '0 0644 3:0 0 7.500000000 b']);
run('nanoseconds, also before 1970', seen, tar({ name: 'a', pax: { mtime: '1234567890.123456789' } }, { name: 'b', pax: { mtime: '-1.25' } }, { name: 'c', mtime: -3 }),
  ['0 0644 0:0 0 1234567890.123456789 a', '0 0644 0:0 0 -2.750000000 b', '0 0644 0:0 0 -3.000000000 c']);
run('base-256 ids', seen, tar({ name: 'a', uid: 4_000_000_000, gid: 3_000_000_000 }), [`0 0644 4000000000:3000000000 0 ${ZERO} a`]);
run('extended attributes', seen, tar({ name: 'a', pax: { 'SCHILY.xattr.user.x': 'v' } }), [`0 0644 0:0 0 ${ZERO} a user.x`]);
run('data behind links and folders is none', seen, tar({ name: 'l', type: '1', link: 'x', size: 512 }, { name: 'd', type: '5', size: 99 }), [`1 0644 0:0 0 ${ZERO} l -> x`, `5 0644 0:0 0 ${ZERO} d`]);
run('an archive without its end', seen, member({ name: 'a', data: 'x' }), [`0 0644 0:0 1 ${ZERO} a`]);
run('an archive without its end, nor the padding of its last entry', seen, member({ name: 'a', data: 'x' }).subarray(0, 513), [`0 0644 0:0 1 ${ZERO} a`]);
run('one block of zeros and the end', seen, Buffer.concat([member({ name: 'a' }), Buffer.alloc(512)]), [`0 0644 0:0 0 ${ZERO} a`]);
run('signed checksums', seen, tar({ name: Buffer.from('caf\xe9', 'latin1'), spoil: (block) => {
  block.fill(' ', 148, 156);
  block.write(`${block.reduce((sum, byte) => sum + (byte << 24 >> 24), 0).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
} }), [`0 0644 0:0 0 ${ZERO} caf\ufffd`]);

const oldMap = (block: Buffer, segments: ReadonlyArray<readonly [number, number]>, realSize: number): void => {
  gnu(block);
  segments.forEach(([offset, length], i) => {
    octal(block, { at: 386 + 24 * i, width: 12, value: offset });
    octal(block, { at: 398 + 24 * i, width: 12, value: length });
  });
  octal(block, { at: 483, width: 12, value: realSize });
};
run('sparse, the old GNU form', seen, tar({ name: 's', type: 'S', data: 'aabbb', patch: (block) => oldMap(block, [[0, 2], [1000, 3]], 5000) }), [`0 0644 0:0 5000 ${ZERO} s 0+2 1000+3`]);
run('sparse, PAX 0.0', seen, tar({ name: 's', data: 'aabbb', pax: {} , patch: () => {} }, ...sparse00()), [`0 0644 0:0 5 ${ZERO} s`, `0 0644 0:0 5000 ${ZERO} t 0+2 1000+3`]);
run('sparse, PAX 0.1', seen, tar({ name: 'GNUSparse/s', data: 'aabbb', pax: { 'GNU.sparse.size': '5000', 'GNU.sparse.name': 's', 'GNU.sparse.map': '0,2,1000,3' } }), [`0 0644 0:0 5000 ${ZERO} s 0+2 1000+3`]);
run('sparse, PAX 1.0', seen, tar(sparse10('2\n0\n2\n1000\n3\n', 'aabbb', 5000)), [`0 0644 0:0 5000 ${ZERO} s 0+2 1000+3`]);

function sparse00(): Entry[] {
  const body = Buffer.concat([record('GNU.sparse.size', Buffer.from('5000')), ...([[0, 2], [1000, 3]] as const).flatMap(([offset, length]) =>
    [record('GNU.sparse.offset', Buffer.from(String(offset))), record('GNU.sparse.numbytes', Buffer.from(String(length)))])]);
  return [{ name: 'x', type: 'x', data: body }, { name: 't', data: 'aabbb' }];
}

function sparse10(map: string, data: string, size: number): Entry {
  const block = Buffer.alloc(512);
  block.write(map);
  return { name: 'x', data: Buffer.concat([block, Buffer.from(data)]), pax: { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 's', 'GNU.sparse.realsize': String(size) } };
}

run('refuses a wrong checksum', refused, tar({ name: 'a', spoil: (block) => void (block[0] = 0x62) }), /checksum does not match/);
run('refuses a mode that is no number', refused, tar({ name: 'a', patch: (block) => void block.write('12z', 100) }), /field mode/);
run('refuses a size that is no number', refused, tar({ name: 'a', patch: (block) => void block.write('9', 124) }), /field size/);
run('refuses a negative size', refused, tar({ name: 'a', size: -1 }), /field size/);
run('refuses a kind that does not exist', refused, tar({ name: 'a', type: 'Z' }), /typeflag is 0x5a/);
run('refuses a volume that continues another', refused, tar({ name: 'a', type: 'M' }), /typeflag/);
run('refuses an entry that is cut off', refused, tar({ name: 'a', data: 'x'.repeat(2000) }).subarray(0, 1024), /ends in the middle of an entry/);
run('refuses a header that is cut off', refused, tar({ name: 'a' }).subarray(0, 100), /ends in the middle of an entry/);
run('refuses an entry behind a block of zeros', refused, Buffer.concat([member({ name: 'a' }), Buffer.alloc(512), tar({ name: 'b' })]), /behind a block of zeros/);
run('refuses what is empty', refused, Buffer.alloc(0), /empty/);
run('refuses a size that reaches beyond all', refused, tar({ name: 'a', pax: { size: '9223372036854775807' } }), /PAX record size/);
run('refuses a PAX size too large for a number', refused, tar({ name: 'a', pax: { size: '99999999999999999999' } }), /PAX record size/);
run('refuses a NUL in a PAX path', refused, tar({ name: 'a', pax: { path: 'a\0b' } }), /path holds a NUL/);
run('refuses a NUL in a GNU long name', refused, tar({ name: 'L', type: 'L', data: 'a\0b\0' }, { name: 'x' }), /holds a NUL/);
run('refuses a PAX path that is too long', refused, tar({ name: 'a', pax: { path: 'x'.repeat(4096) } }), /longer than 4095/);
run('refuses a GNU long name that is too long', refused, tar({ name: 'L', type: 'L', data: 'x'.repeat(5000) }, { name: 'x' }), /more than 4095/);
run('refuses a PAX record whose length lies', refused, tar({ name: 'x', type: 'x', data: '99 path=a\n' }, { name: 'a' }), /PAX record is malformed/);
run('refuses a PAX record without a key', refused, tar({ name: 'x', type: 'x', data: '5 =a\n' }, { name: 'a' }), /PAX record is malformed/);
run('refuses PAX headers that are too large', refused, tar({ name: 'x', type: 'x', data: Buffer.alloc((1 << 20) + 1, 'x') }, { name: 'a' }), /PAX headers of more/);
run('refuses global PAX headers that add up', refused, tar(...Array.from({ length: 3 }, () => ({ name: 'g', type: 'g', data: records({ comment: 'x'.repeat(6000) }) })), { name: 'a' }), /PAX headers of more/);
run('refuses a time that is none', refused, tar({ name: 'a', pax: { mtime: 'now' } }), /mtime is no time/);
run('refuses too many attributes', refused, tar({ name: 'a', pax: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`SCHILY.xattr.user.${i}`, 'v'])) }), /more than 64 extended attributes/);
run('refuses a sparse map that overlaps', refused, tar({ name: 's', data: 'aabbb', pax: { 'GNU.sparse.size': '5000', 'GNU.sparse.map': '0,2,1,3' } }), /overlaps/);
run('refuses a sparse map that leaves the file', refused, tar({ name: 's', data: 'aabbb', pax: { 'GNU.sparse.size': '100', 'GNU.sparse.map': '0,2,99,3' } }), /overlaps or leaves/);
run('refuses a sparse map that wants more data than there is', refused, tar({ name: 's', data: 'aa', pax: { 'GNU.sparse.size': '100', 'GNU.sparse.map': '0,2,9,3' } }), /does not match its data/);
run('refuses a sparse map of numbers too large', refused, tar({ name: 's', data: 'aa', pax: { 'GNU.sparse.size': '9223372036854775807', 'GNU.sparse.map': '9223372036854775807,2' } }), /too large|leaves the file/);
run('refuses a sparse count without end', refused, tar(sparse10('99999999\n0\n2\n', 'aa', 10)), /segments/);
