/**
 * OCI device rules in, the bytes of an eBPF program (BPF_PROG_TYPE_CGROUP_DEVICE) out. Called by the plan compiler on v2.
 *
 * The last rule that fits decides: an allowing one fits when it covers everything that is asked for, a denying one when it
 * names any of it. Where none fits, the answer is no.
 */
import type { Oci } from '@core/core/plugin';

type Instruction = readonly [code: number, registers: number, offset: number, immediate: number];

// Opcodes of linux/bpf.h.
const LOAD_WORD = 0x61; // BPF_LDX | BPF_MEM | BPF_W
const MOVE_IMMEDIATE = 0xb7;
const MOVE = 0xbf;
const AND = 0x57;
const SHIFT_RIGHT = 0x77;
const JUMP_NOT_EQUAL = 0x55;
const JUMP_EQUAL = 0x15;
const EXIT = 0x95;

// r1 comes as the context; the rest is ours.
const [CONTEXT, TYPE, ACCESS, MAJOR, MINOR, SCRATCH] = [1, 2, 3, 4, 5, 6];

const TYPE_NUMBER = { b: 1, c: 2 } as const;
const ACCESS_BIT: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const ALL_ACCESS = 7;

export function deviceProgram(rules: readonly Oci.DeviceRule[]): Uint8Array {
  const code: Instruction[] = [
    // struct bpf_cgroup_dev_ctx: access << 16 | type, major, minor
    [LOAD_WORD, pair(TYPE, CONTEXT), 0, 0],
    [MOVE, pair(ACCESS, TYPE), 0, 0],
    [AND, TYPE, 0, 0xffff],
    [SHIFT_RIGHT, ACCESS, 0, 16],
    [LOAD_WORD, pair(MAJOR, CONTEXT), 4, 0],
    [LOAD_WORD, pair(MINOR, CONTEXT), 8, 0],
  ];
  // The kernel refuses code that cannot be reached: nothing may follow a rule that fits everything.
  let open = true;
  for (let index = rules.length - 1; index >= 0 && open; index -= 1) {
    const rule = rules[index] as Oci.DeviceRule;
    code.push(...ruleBlock(rule));
    open = tests(rule).length > 0;
  }
  return encode(open ? [...code, ...answer(false)] : code);
}

/** Tests that jump behind the block when the rule does not fit, then the answer. */
function ruleBlock(rule: Oci.DeviceRule): Instruction[] {
  const block = [...tests(rule), ...answer(rule.allow)];
  return block.map((instruction, index): Instruction => {
    const [code, registers, , immediate] = instruction;
    return code === JUMP_NOT_EQUAL || code === JUMP_EQUAL ? [code, registers, block.length - index - 1, immediate] : instruction;
  });
}

function tests({ allow, type = 'a', major, minor, access = 'rwm' }: Oci.DeviceRule): Instruction[] {
  const mask = [...access].reduce((bits, letter) => bits | (ACCESS_BIT[letter] ?? 0), 0);
  const code: Instruction[] = [];
  if (type !== 'a') code.push([JUMP_NOT_EQUAL, TYPE, 0, TYPE_NUMBER[type]]);
  if (mask !== ALL_ACCESS) {
    code.push([MOVE, pair(SCRATCH, ACCESS), 0, 0], [AND, SCRATCH, 0, allow ? ALL_ACCESS & ~mask : mask]);
    code.push([allow ? JUMP_NOT_EQUAL : JUMP_EQUAL, SCRATCH, 0, 0]);
  }
  if (major !== undefined && major >= 0) code.push([JUMP_NOT_EQUAL, MAJOR, 0, major]);
  if (minor !== undefined && minor >= 0) code.push([JUMP_NOT_EQUAL, MINOR, 0, minor]);
  return code;
}

function answer(allow: boolean): Instruction[] {
  return [[MOVE_IMMEDIATE, 0, 0, allow ? 1 : 0], [EXIT, 0, 0, 0]];
}

function pair(destination: number, source: number): number {
  return (source << 4) | destination;
}

function encode(code: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(code.length * 8);
  const view = new DataView(bytes.buffer);
  code.forEach(([opcode, registers, offset, immediate], index) => {
    view.setUint8(index * 8, opcode);
    view.setUint8(index * 8 + 1, registers);
    view.setInt16(index * 8 + 2, offset, true);
    view.setInt32(index * 8 + 4, immediate, true);
  });
  return bytes;
}
