/** Archives as an attacker writes them: every field as given, nothing checked. Comes in: entries. Goes out: the bytes of a tar archive. Called by the tests of the unpacker and of images. */

export interface Entry {
  readonly name: string | Buffer;
  /** Default `0`, a file. */
  readonly type?: string;
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly data?: string | Buffer;
  /** What the header says, where that is not the length of `data`. */
  readonly size?: number;
  readonly major?: number;
  readonly minor?: number;
  /** A PAX header before the entry. */
  readonly pax?: Readonly<Record<string, string | Buffer>>;
  /** Last word over the header, before its checksum is made. */
  readonly patch?: (header: Buffer) => void;
  /** Last word over the header, its checksum included. */
  readonly spoil?: (header: Buffer) => void;
}

const BLOCK = 512;

export function tar(...entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries.map(member), Buffer.alloc(2 * BLOCK)]);
}

/** One entry without the end of the archive. */
export function member(entry: Entry): Buffer {
  const data = Buffer.from(entry.data ?? '');
  const pax = entry.pax ? member({ name: 'pax', type: 'x', data: records(entry.pax) }) : Buffer.alloc(0);
  return Buffer.concat([pax, header(entry, data.length), data, Buffer.alloc(-data.length & (BLOCK - 1))]);
}

/** The body of a PAX header. */
export function records(values: Readonly<Record<string, string | Buffer>>): Buffer {
  return Buffer.concat(Object.entries(values).map(([key, value]) => record(key, Buffer.from(value))));
}

export function record(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length > length) length += 1;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** A header block; `type` 'S' and the like take the rest from `patch`. */
export function header({ name, type = '0', link = '', mode = 0o644, uid = 0, gid = 0, mtime = 0, size, major = 0, minor = 0, patch, spoil }: Entry, length: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  Buffer.from(name).copy(block, 0, 0, 100);
  octal(block, { at: 100, width: 8, value: mode });
  octal(block, { at: 108, width: 8, value: uid });
  octal(block, { at: 116, width: 8, value: gid });
  octal(block, { at: 124, width: 12, value: size ?? length });
  octal(block, { at: 136, width: 12, value: mtime });
  block.write(type, 156, 1, 'latin1');
  block.write(link, 157, 100);
  block.write('ustar\0\x300', 257, 'latin1');
  octal(block, { at: 329, width: 8, value: major });
  octal(block, { at: 337, width: 8, value: minor });
  patch?.(block);
  checksum(block);
  spoil?.(block);
  return block;
}

export function checksum(block: Buffer): void {
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}

export function octal(block: Buffer, { at, width, value }: { readonly at: number; readonly width: number; readonly value: number }): void {
  if (value >= 0 && value < 8 ** (width - 1)) {
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
    return;
  }
  // Base 256, two's complement below the first bit.
  let rest = BigInt(value);
  for (let i = at + width - 1; i > at; i--, rest >>= 8n) block[i] = Number(rest & 0xffn);
  block[at] = value < 0 ? 0xff : 0x80;
}
