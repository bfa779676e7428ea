/** The decoders against those of zlib and the zstd program, and on damaged streams. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants, deflateRawSync, gzipSync } from 'node:zlib';
import test from 'ava';
import { temporaryFolder } from '../helpers/folder.js';
import { findTool } from '../helpers/machine.js';
import { lacksUnpacker, runUnpacker } from './helpers/unpacker.js';

const run = lacksUnpacker() ? test.skip : test;
const zstdProgram = findTool('zstd');
const withZstd = lacksUnpacker() || !zstdProgram ? test.skip : test;

/** The same on every run: a bit of everything a compressor reacts to. */
function sample(length: number): Buffer {
  const pieces: Buffer[] = [];
  let seed = 1;
  for (let total = 0; total < length; ) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    const kinds = [
      () => Buffer.alloc(seed % 3000, seed % 251),
      () => createHash('sha512').update(String(seed)).digest(),
      () => Buffer.from('the quick brown fox '.repeat(seed % 50)),
      () => pieces[seed % Math.max(pieces.length, 1)] ?? Buffer.from('first'),
      () => Buffer.from(`${seed} `.repeat(7)),
    ];
    const piece = (kinds[seed % kinds.length] as () => Buffer)();
    pieces.push(piece);
    total += piece.length;
  }
  return Buffer.concat(pieces).subarray(0, length);
}

const text = sample(1_500_000);

const decoded = test.macro((t, packed: Buffer, plain: Buffer) => {
  const { status, stdout, stderr } = runUnpacker(temporaryFolder(t), { archive: packed, args: ['--cat', '@'] });
  t.is(stderr, '');
  t.is(status, 0);
  t.true(stdout.equals(plain), 'the content differs');
});

const refused = test.macro((t, packed: Buffer, words: RegExp) => {
  const { status, stderr } = runUnpacker(temporaryFolder(t), { archive: packed, args: ['--cat', '@'] });
  t.is(status, 1);
  t.regex(stderr, words);
});

for (const level of [0, 1, 3, 6, 9]) run(`gzip level ${level}`, decoded, gzipSync(text, { level }), text);
for (const [name, strategy] of Object.entries({ fixed: constants.Z_FIXED, huffman: constants.Z_HUFFMAN_ONLY, rle: constants.Z_RLE, filtered: constants.Z_FILTERED })) {
  run(`gzip strategy ${name}`, decoded, gzipSync(text, { strategy }), text);
}
run('gzip, every small length', (t) => {
  const folder = temporaryFolder(t);
  for (let length = 0; length < 80; length++) {
    const plain = text.subarray(length, 2 * length);
    const { stdout, stderr } = runUnpacker(folder, { archive: gzipSync(plain), args: ['--cat', '@'] });
    t.is(stderr, '');
    t.true(stdout.equals(plain), `length ${length}`);
  }
});
run('gzip of many members', decoded, Buffer.concat(Array.from({ length: 300 }, (_, i) => gzipSync(text.subarray(i, i * 5)))), Buffer.concat(Array.from({ length: 300 }, (_, i) => text.subarray(i, i * 5))));
run('gzip with every optional field', decoded, gzipWith({ extra: Buffer.from('extra'), name: 'name', comment: 'comment' }), Buffer.from('content'));
run('zeros behind gzip are padding', decoded, Buffer.concat([gzipSync(text), Buffer.alloc(5000)]), text);

const packed = gzipSync(text);
run('gzip cut off in a block', refused, packed.subarray(0, packed.length / 2), /gzip: .*ends/);
run('gzip cut off before the checksum', refused, packed.subarray(0, packed.length - 8), /before a member's checksum/);
run('gzip with a wrong checksum', refused, changed(packed, packed.length - 8), /checksum is wrong/);
run('gzip with a wrong length', refused, changed(packed, packed.length - 1), /checksum is wrong/);
run('something behind gzip', refused, Buffer.concat([packed, Buffer.from('x')]), /follows the end/);
run('gzip of an unknown method', refused, changed(packed, 2), /unknown form/);
run('a block type that does not exist', refused, gzipOf(Buffer.from([0x07])), /type that does not exist/);
run('a stored block whose length is damaged', refused, gzipOf(Buffer.from([0x01, 5, 0, 0, 0])), /stored block is damaged/);
run('a match before the beginning', refused, gzipOf(Buffer.from([0x03 | 0x00, 0x02, 0x00])), /before the beginning|unassigned/);
run('more codes than there are', refused, gzipOf(Buffer.from([0xfd, 0xff, 0xff])), /too many codes/);

for (const args of [['-1'], ['-3'], ['-9'], ['-19'], ['--ultra', '-22'], ['-3', '--no-check'], ['--long=27'], ['--fast=3'], ['--no-content-size']]) {
  withZstd(`zstd ${args.join(' ')}`, decoded, zstdProgram ? zstd(text, args) : text, text);
}
withZstd('zstd, every small length', (t) => {
  const folder = temporaryFolder(t);
  for (let length = 0; length < 40; length++) {
    const plain = text.subarray(length, 3 * length);
    const { stdout, stderr } = runUnpacker(folder, { archive: zstd(plain, []), args: ['--cat', '@'] });
    t.is(stderr, '');
    t.true(stdout.equals(plain), `length ${length}`);
  }
});
const frames = zstdProgram ? [zstd(text.subarray(0, 70_000), ['-19']), zstd(text, ['-1'])] : [];
withZstd('zstd of several frames, one to be skipped', decoded, Buffer.concat([skippable(100), ...frames, skippable(7)]), Buffer.concat([text.subarray(0, 70_000), text]));
withZstd('zstd cut off', refused, frames[1]?.subarray(0, 5000) ?? text, /zstd: .*ends/);
withZstd('zstd with a wrong checksum', refused, changed(frames[1] ?? text, (frames[1]?.length ?? 1) - 1), /checksum is wrong/);
withZstd('something behind zstd', refused, Buffer.concat([frames[1] ?? text, Buffer.from('xyz!')]), /follows the end/);
run('zstd with a window beyond all bounds', refused, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xff, 1, 0, 0]), /window of more than/);
run('zstd that needs a dictionary', refused, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x40, 7, 1, 0, 0]), /dictionary/);
run('zstd with a block that is too large', refused, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x40, 0xff, 0xff, 0xff, 0, 0, 0]), /header of a block/);

run('any damage of a byte is found, or does no harm', (t) => {
  const folder = temporaryFolder(t);
  const plain = text.subarray(0, 3000);
  const archives = [gzipSync(plain), ...(zstdProgram ? [zstd(plain, ['-19'])] : [])];
  for (const archive of archives) {
    for (let at = 0; at < archive.length; at += 7) {
      const { status, stdout } = runUnpacker(folder, { archive: changed(archive, at), args: ['--cat', '@'] });
      t.true(status === 1 || (status === 0 && stdout.length >= 0), `byte ${at} ended it by ${status}`);
    }
  }
});

function zstd(plain: Buffer, args: readonly string[]): Buffer {
  const { status, stdout, stderr } = spawnSync(zstdProgram as string, ['-q', '-c', ...args], { input: plain, maxBuffer: 1 << 30 });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}

function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0x55;
  return copy;
}

function skippable(length: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184d2a53, 0);
  head.writeUInt32LE(length, 4);
  return Buffer.concat([head, Buffer.alloc(length, 9)]);
}

/** A member around a raw stream, whose checksum is never reached. */
function gzipOf(stream: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]), stream, Buffer.alloc(64)]);
}

function gzipWith({ extra, name, comment }: { readonly extra: Buffer; readonly name: string; readonly comment: string }): Buffer {
  const plain = Buffer.from('content');
  const trailer = gzipSync(plain).subarray(-8);
  const length = Buffer.from([extra.length, 0]);
  return Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 4 | 8 | 16, 0, 0, 0, 0, 0, 3]), length, extra, Buffer.from(`${name}\0${comment}\0`), deflateRawSync(plain), trailer]);
}
