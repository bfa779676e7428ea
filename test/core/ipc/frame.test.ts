import test from 'ava';
import { Unpackr } from 'msgpackr';
import { decodePayload, encodeFrame, FrameReader } from '#core/ipc/frame.js';
import { parseFrame } from '#core/ipc/protocol.js';

const read = (reader: FrameReader, chunk: Buffer): unknown[] => [...reader.feed(chunk)].map(decodePayload);

for (const size of [1, 2, 3, 5, 7, 1000]) {
  test(`frames survive being cut into pieces of ${size} bytes`, (t) => {
    const values = [[1, 'a'], { deep: [{ er: new Uint8Array([1, 2, 3]) }] }, 'x'.repeat(3000), [undefined, null, 2 ** 53 - 1, -1.5, true]];
    const wire = Buffer.concat(values.map((value) => encodeFrame(value, 0)));
    const reader = new FrameReader(10_000);
    const got: unknown[] = [];
    for (let at = 0; at < wire.length; at += size) got.push(...read(reader, wire.subarray(at, at + size)));
    t.is(got.length, values.length);
    t.deepEqual(got[0], values[0]);
    t.deepEqual([...(got[1] as { deep: [{ er: Uint8Array }] }).deep[0].er], [1, 2, 3]);
    t.deepEqual(got.slice(2), values.slice(2));
  });
}

test('a frame is a little-endian length and standard MessagePack', (t) => {
  const frame = encodeFrame([7, { a: 1 }], 0);
  t.deepEqual([...frame], [5, 0, 0, 0, 0x92, 7, 0x81, 0xa1, 0x61, 1].map((byte, i) => (i === 0 ? frame.length - 4 : byte)));
  t.deepEqual(new Unpackr({ useRecords: false }).unpack(frame.subarray(4)), [7, { a: 1 }]);
});

for (const [about, length] of [['nothing', 0], ['one byte too many', 101], ['four gigabytes', 0xffff_ffff]] as const) {
  test(`a header that claims ${about} is refused before its payload`, (t) => {
    const header = Buffer.alloc(4);
    header.writeUInt32LE(length);
    t.throws(() => read(new FrameReader(100), header), { code: 'E_PROTOCOL' });
  });
}

test('a frame of exactly the limit passes', (t) => {
  const frame = encodeFrame('x'.repeat(50), 0);
  t.deepEqual(read(new FrameReader(frame.length - 4), frame), ['x'.repeat(50)]);
});

test('what is over the receiver\'s limit is not sent', (t) => {
  t.throws(() => encodeFrame('x'.repeat(200), 100), { code: 'E_INVALID', message: /203|202/ });
});

test('what refers to itself is not sent', (t) => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  t.throws(() => encodeFrame(loop, 0), { code: 'E_INVALID' });
  t.deepEqual(decodePayload(encodeFrame('sound', 0).subarray(4)), 'sound');
});

const damaged: ReadonlyArray<readonly [string, number[]]> = [
  ['a string longer than the frame', [0xdb, 0xff, 0xff, 0xff, 0xff, 0x61]],
  ['an array longer than the frame', [0xdd, 0xff, 0xff, 0xff, 0xff]],
  ['a map longer than the frame', [0xdf, 0xff, 0xff, 0xff, 0xff]],
  ['bytes longer than the frame', [0xc6, 0xff, 0xff, 0xff, 0xff]],
  ['the never-used byte', [0xc1, 0xc1]],
  ['two values', [1, 2]],
  ['an array of a million arrays in each other', Array.from({ length: 1_000_000 }, () => 0x91)],
];
for (const [about, bytes] of damaged) {
  test(`${about}: E_PROTOCOL`, (t) => {
    t.throws(() => parseFrame(decodePayload(Buffer.from(bytes))), { code: 'E_PROTOCOL' });
  });
}

test('100,000 random payloads give a frame or E_PROTOCOL, nothing else', (t) => {
  let seed = 42;
  const random = (): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) >>> 8;
  const faults = new Map<string, number>();
  for (let i = 0; i < 100_000; i++) {
    const bytes = Buffer.from(Array.from({ length: 1 + (random() % 24) }, () => random() & 0xff));
    if (i % 2 === 0) bytes[0] = 0x93;
    try {
      parseFrame(decodePayload(bytes));
    } catch (error) {
      const code = (error as { code?: string }).code ?? String(error);
      faults.set(code, (faults.get(code) ?? 0) + 1);
    }
  }
  t.deepEqual([...faults.keys()], ['E_PROTOCOL']);
  t.is(({} as Record<string, unknown>).polluted, undefined);
});

const misshapen: ReadonlyArray<readonly [string, unknown]> = [
  ['a map', { 0: 2 }], ['an unknown type', [99, 1]], ['a call without header', [2, 1, 'a', 'b', null]], ['an id of 0', [3, 0]], ['a negative id', [3, -1]],
  ['an id that is text', [3, '1']], ['negative credit', [4, 1, -5]], ['input that is text', [5, 1, 'abc']], ['an error without code', [9, 1, { message: 'x' }]],
  ['progress without id', [12, 1, { phase: 'x' }]], ['a field too many', [3, 1, 1]], ['a type by name', ['__proto__', 1]], ['a header with text', [2, 1, 'a', 'b', null, { progress: 'no', input: false, credit: 0 }]],
];
for (const [about, value] of misshapen) {
  test(`${about} is not a frame`, (t) => {
    t.throws(() => parseFrame(value), { code: 'E_PROTOCOL' });
  });
}
