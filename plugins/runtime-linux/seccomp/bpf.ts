/** Classic BPF as data: instructions, short and long branches, and their bytes. Called by the seccomp compiler alone. */

/** One `struct sock_filter`: opcode, relative jumps when true and when false, operand. */
export type Instruction = readonly [code: number, jt: number, jf: number, k: number];
export type Code = readonly Instruction[];

export const LD = 0x20; // BPF_LD | BPF_W | BPF_ABS
export const AND = 0x54; // BPF_ALU | BPF_AND | BPF_K
export const JA = 0x05;
export const JEQ = 0x15;
export const JGT = 0x25;
export const JGE = 0x35;
export const RET = 0x06;

/** Offsets in `struct seccomp_data`, little-endian. */
export const NR = 0;
export const ARCH = 4;
export const argLow = (index: number): number => 16 + 8 * index;
export const argHigh = (index: number): number => 20 + 8 * index;

/** The kernel's bound (BPF_MAXINSNS). */
export const MAX_INSTRUCTIONS = 4096;
/** Conditional jumps hold their distance in a byte. */
export const MAX_SHORT_JUMP = 255;

export const load = (offset: number): Instruction => [LD, 0, 0, offset];
export const ret = (value: number): Instruction => [RET, 0, 0, value];
export const jump = (distance: number): Instruction => [JA, 0, 0, distance];

/** `if (A op k) whenTrue else whenFalse`. Conditional jumps reach 255 instructions, so a far one goes over a `ja`. */
export function branch(op: number, k: number, arms: { readonly whenTrue: Code; readonly whenFalse: Code }): Code {
  const distance = arms.whenFalse.length;
  const head: Code = distance <= MAX_SHORT_JUMP ? [[op, distance, 0, k]] : [[op, 0, 1, k], jump(distance)];
  return [...head, ...arms.whenFalse, ...arms.whenTrue];
}

export function encode(code: Code): Uint8Array {
  const bytes = new Uint8Array(code.length * 8);
  const view = new DataView(bytes.buffer);
  code.forEach(([opcode, jt, jf, k], index) => {
    view.setUint16(index * 8, opcode, true);
    view.setUint8(index * 8 + 2, jt);
    view.setUint8(index * 8 + 3, jf);
    view.setUint32(index * 8 + 4, k >>> 0, true);
  });
  return bytes;
}

export function decode(bytes: Uint8Array): Code {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 8 }, (_, index): Instruction => [
    view.getUint16(index * 8, true),
    view.getUint8(index * 8 + 2),
    view.getUint8(index * 8 + 3),
    view.getUint32(index * 8 + 4, true),
  ]);
}
