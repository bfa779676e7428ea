/** A small interpreter of classic BPF over `struct seccomp_data`, strict as the kernel's checker: anything odd throws. */
import { decode, type Code } from '#runtime-linux/seccomp/bpf.js';

export interface SeccompData {
  readonly nr: number;
  readonly arch: number;
  readonly args: readonly bigint[];
}

export interface Verdict {
  readonly value: number;
  /** Instructions executed. */
  readonly steps: number;
}

export function evaluate(program: Uint8Array | Code, data: SeccompData): Verdict {
  const code = program instanceof Uint8Array ? decode(program) : program;
  const memory = dataBytes(data);
  const scratch = Array.from({ length: 16 }, () => 0);
  let a = 0;
  let x = 0;
  let pc = 0;
  for (let steps = 1; ; steps += 1) {
    const instruction = code[pc];
    if (!instruction) throw new Error(`ran out of the program at ${pc}`);
    const [op, jt, jf, k] = instruction;
    const value = k >>> 0;
    pc += 1;
    switch (op) {
      case 0x20: a = memory.getUint32(value, true); break;
      case 0x00: a = value; break;
      case 0x01: x = value; break;
      case 0x60: a = scratch[value] as number; break;
      case 0x61: x = scratch[value] as number; break;
      case 0x02: scratch[value] = a; break;
      case 0x03: scratch[value] = x; break;
      case 0x07: x = a; break;
      case 0x87: a = x; break;
      case 0x54: a = (a & value) >>> 0; break;
      case 0x05: pc += value; break;
      case 0x15: pc += a === value ? jt : jf; break;
      case 0x25: pc += a > value ? jt : jf; break;
      case 0x35: pc += a >= value ? jt : jf; break;
      case 0x45: pc += (a & value) >>> 0 !== 0 ? jt : jf; break;
      case 0x06: return { value, steps };
      default: throw new Error(`opcode 0x${op.toString(16)} at ${pc - 1}`);
    }
  }
}

function dataBytes({ nr, arch, args }: SeccompData): DataView {
  const view = new DataView(new ArrayBuffer(64));
  view.setUint32(0, nr >>> 0, true);
  view.setUint32(4, arch, true);
  args.forEach((arg, index) => view.setBigUint64(16 + 8 * index, BigInt.asUintN(64, arg), true));
  return view;
}
