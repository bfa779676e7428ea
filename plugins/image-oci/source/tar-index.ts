/**
 * Which files a tar archive holds, and where. Comes in: an open file. Goes out: name -> range of bytes. Only headers are read; the contents stay where they are. Called
 * for archives of images, whose members are few; layers are read by the executor alone. Throws `E_IMAGE`.
 */
import type { FileHandle } from 'node:fs/promises';
import { fieldError } from '../format/document.js';

const BLOCK = 512;
const MAX_MEMBERS = 65_536;
const MAX_HEADER = 1 << 20;
const MAX_LINKS = 16;

export interface Member {
  readonly offset: number;
  readonly length: number;
}

type Found = Member | { readonly link: string };

interface Header {
  readonly name: string;
  readonly link: string;
  readonly type: string;
  readonly size: number;
}

/** Looks a name up, through the symbolic links old `docker save` archives have between equal layers. */
export class TarIndex {
  readonly #members: ReadonlyMap<string, Found>;

  constructor(members: ReadonlyMap<string, Found>) {
    this.#members = members;
  }

  get(name: string): Member | undefined {
    let found = this.#members.get(normal(name));
    let folder = normal(name).split('/').slice(0, -1);
    for (let hops = 0; found && 'link' in found; hops++) {
      if (hops === MAX_LINKS) throw fieldError(name, 'is a link that leads nowhere');
      const target = normal([...folder, found.link].join('/'));
      found = this.#members.get(target);
      folder = target.split('/').slice(0, -1);
    }
    return found;
  }
}

export async function indexTar(file: FileHandle, size: number): Promise<TarIndex> {
  const members = new Map<string, Found>();
  let override: Partial<Pick<Header, 'name' | 'link' | 'size'>> = {};
  let at = 0;
  for (let count = 0; at + BLOCK <= size; count++) {
    if (count > MAX_MEMBERS) throw fieldError('archive', `has more than ${MAX_MEMBERS} members`);
    const block = await read(file, at, BLOCK);
    if (block.every((byte) => byte === 0)) break;
    const plain = parseHeader(block, at);
    const special = 'xgLK'.includes(plain.type);
    const header = special ? plain : { ...plain, ...override };
    const data = at + BLOCK;
    if (header.size > size - data) throw fieldError(`archive member ${JSON.stringify(header.name)}`, 'is longer than the archive');
    if (special) {
      if (header.size > MAX_HEADER) throw fieldError('archive', 'has an extended header that is too long');
      override = { ...override, ...extended(header.type, await read(file, data, header.size)) };
    } else {
      const found = member(header, data);
      if (found) members.set(normal(header.name), found);
      override = {};
    }
    at = data + Math.ceil(header.size / BLOCK) * BLOCK;
  }
  if (at === 0) throw fieldError('archive', 'is no tar archive');
  return new TarIndex(members);
}

function member({ type, name, link, size }: Header, offset: number): Found | undefined {
  if (type === '0' || type === '\0' || type === '7') return { offset, length: size };
  if (type === '2') return { link };
  // A hard link names its target from the archive's root.
  if (type === '1') return { link: `${'../'.repeat(normal(name).split('/').length - 1)}${link}` };
  return undefined;
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead !== length) throw fieldError('archive', 'ends too early');
  return buffer;
}

function parseHeader(block: Buffer, at: number): Header {
  const sum = block.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  if (number(block.subarray(148, 156)) !== sum) throw fieldError('archive', at === 0 ? 'is no tar archive' : `has a damaged header at byte ${at}`);
  const posix = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = posix ? text(block.subarray(345, 500)) : '';
  const name = text(block.subarray(0, 100));
  const type = String.fromCharCode(block[156] ?? 0);
  const size = '12345 6'.includes(type) ? 0 : number(block.subarray(124, 136));
  if (!Number.isSafeInteger(size) || size < 0) throw fieldError('archive', `has a member of a size that is no number at byte ${at}`);
  return { name: prefix ? `${prefix}/${name}` : name, link: text(block.subarray(157, 257)), type, size };
}

function extended(type: string, data: Buffer): Partial<Pick<Header, 'name' | 'link' | 'size'>> {
  if (type === 'L') return { name: text(data) };
  if (type === 'K') return { link: text(data) };
  if (type === 'g') return {};
  const records = paxRecords(data);
  const [path, linkpath, size] = [records.get('path'), records.get('linkpath'), records.get('size')];
  if (size !== undefined && !/^\d{1,15}$/.test(size)) throw fieldError('archive', 'has a member of a size that is no number');
  return { ...(path && { name: path }), ...(linkpath && { link: linkpath }), ...(size && { size: Number(size) }) };
}

function paxRecords(data: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < data.length; ) {
    const [, length] = /^(\d{1,7}) /.exec(data.toString('latin1', at, at + 8)) ?? [];
    const end = at + Number(length);
    const equals = data.indexOf('=', at);
    if (length === undefined || end > data.length || equals < 0 || equals >= end || data[end - 1] !== 0x0a) throw fieldError('archive', 'has a malformed PAX record');
    records.set(data.toString('utf8', at + length.length + 1, equals), data.toString('utf8', equals + 1, end - 1));
    at = end;
  }
  return records;
}

function text(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? field.length : end);
}

/** Octal, or base 256 when the first bit is set. NaN when it is neither. */
function number(field: Buffer): number {
  if ((field[0] ?? 0) & 0x80) return field.subarray(1).reduce((value, byte) => value * 256 + byte, (field[0] ?? 0) & 0x7f);
  const digits = field.toString('latin1').replace(/\0.*$/s, '').trim();
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : Number.NaN;
}

/** Without `.`, doubled slashes and what leads above the root. */
function normal(name: string): string {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}
