/** The device program, run by a small interpreter of eBPF, against what the rules say. */
import type { Oci } from '@core/core/plugin';
import test from 'ava';
import { deviceProgram } from '#runtime-linux/cgroup/devices-bpf.js';
import { deviceWrites } from '#runtime-linux/cgroup/devices-v1.js';

const [M, R, W] = [1, 2, 4];
const deny: Oci.DeviceRule = { allow: false, access: 'rwm' };
const nothing: Oci.DeviceRule = { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' };

const cases: Array<[title: string, rules: Oci.DeviceRule[], asked: [type: 'b' | 'c', major: number, minor: number, access: number], allowed: boolean]> = [
  ['no rule is no', [], ['c', 1, 3, R], false],
  ['all denied', [deny], ['c', 1, 3, R], false],
  ['one allowed', [deny, nothing], ['c', 1, 3, R | W], true],
  ['another number', [deny, nothing], ['c', 1, 4, R], false],
  ['another major', [deny, nothing], ['c', 2, 3, R], false],
  ['another type', [deny, nothing], ['b', 1, 3, R], false],
  ['more than was allowed', [deny, { ...nothing, access: 'r' }], ['c', 1, 3, R | W], false],
  ['what was allowed', [deny, { ...nothing, access: 'r' }], ['c', 1, 3, R], true],
  ['mknod of anything', [deny, { allow: true, type: 'c', access: 'm' }], ['c', 9, 9, M], true],
  ['mknod is not reading', [deny, { allow: true, type: 'c', access: 'm' }], ['c', 9, 9, M | R], false],
  ['every minor', [deny, { allow: true, type: 'c', major: 136, access: 'rw' }], ['c', 136, 77, W], true],
  ['a later denial wins', [deny, nothing, { ...nothing, allow: false, access: 'w' }], ['c', 1, 3, W], false],
  ['a later denial of something else', [deny, nothing, { ...nothing, allow: false, access: 'w' }], ['c', 1, 3, R], true],
  ['all allowed', [{ allow: true, access: 'rwm' }], ['b', 259, 1, R | W | M], true],
  ['a negative number is any', [deny, { allow: true, type: 'b', major: 8, minor: -1, access: 'r' }], ['b', 8, 1, R], true],
];

for (const [title, rules, [type, major, minor, access], allowed] of cases) {
  test(title, (t) => {
    t.is(run(deviceProgram(rules), { type: type === 'b' ? 1 : 2, access, major, minor }), allowed ? 1 : 0);
  });
}

test('v1 writes, in order', (t) => {
  const writes = deviceWrites([deny, nothing, { allow: true, type: 'c', major: 136, access: 'rw' }, { allow: false, type: 'b', major: 8, minor: 0, access: 'w' }]);
  t.deepEqual(writes.map(({ file, value }) => `${file} ${value}`), ['devices.deny a', 'devices.allow c 1:3 rwm', 'devices.allow c 136:* rw', 'devices.deny b 8:0 w']);
});

interface Asked {
  readonly type: number;
  readonly access: number;
  readonly major: number;
  readonly minor: number;
}

function run(program: Uint8Array, { type, access, major, minor }: Asked): number {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const context = [(access << 16) | type, major, minor];
  const registers = Array.from({ length: 11 }, () => 0);
  for (let pc = 0; ; pc += 1) {
    const [code, pair] = [view.getUint8(pc * 8), view.getUint8(pc * 8 + 1)];
    const [offset, immediate] = [view.getInt16(pc * 8 + 2, true), view.getInt32(pc * 8 + 4, true)];
    const [to, from] = [pair & 15, pair >> 4];
    const value = registers[to] as number;
    if (code === 0x61) registers[to] = context[offset / 4] as number;
    else if (code === 0xb7) registers[to] = immediate;
    else if (code === 0xbf) registers[to] = registers[from] as number;
    else if (code === 0x57) registers[to] = value & immediate;
    else if (code === 0x77) registers[to] = value >>> immediate;
    else if (code === 0x55) pc += value === immediate ? 0 : offset;
    else if (code === 0x15) pc += value === immediate ? offset : 0;
    else if (code === 0x95) return registers[0] as number;
    else throw new Error(`opcode ${code} at ${pc}`);
  }
}
