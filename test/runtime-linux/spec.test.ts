/** Settings and image to an OCI spec: what wins, what is there by default, what is refused. */
import type { ContainerSettings, ImageConfig, Oci } from '@core/core/plugin';
import { CoreError } from '@core/core/plugin';
import test from 'ava';
import { buildSpec } from '#runtime-linux/spec/index.js';
import { deviceNumbers } from '#runtime-linux/spec/devices.js';
import { settings, specDefaults } from './helpers/machines.js';

const spec = (over: Partial<ContainerSettings> = {}, image: ImageConfig = {}): Promise<Oci.Spec> => buildSpec({ id: '0123456789abcdef', settings: settings(over), image }, specDefaults);

const commands: Array<[title: string, image: ImageConfig, over: Partial<ContainerSettings>, args: string[]]> = [
  ['the image’s own', { entrypoint: ['e'], cmd: ['c'] }, { command: undefined }, ['e', 'c']],
  ['a command for the image’s entrypoint', { entrypoint: ['e'], cmd: ['c'] }, { command: ['x'] }, ['e', 'x']],
  ['an entrypoint drops the image’s command', { entrypoint: ['e'], cmd: ['c'] }, { entrypoint: ['y'], command: undefined }, ['y']],
  ['both given', { entrypoint: ['e'], cmd: ['c'] }, { entrypoint: ['y'], command: ['x'] }, ['y', 'x']],
  ['no entrypoint', { entrypoint: ['e'], cmd: ['c'] }, { entrypoint: [], command: ['x'] }, ['x']],
];
for (const [title, image, over, args] of commands) {
  test(`command: ${title}`, async (t) => t.deepEqual((await spec(over as Partial<ContainerSettings>, image)).process?.args, args));
}

test('no command at all is refused', async (t) => {
  await t.throwsAsync(spec({ command: undefined } as never), { code: 'E_INVALID', message: /command/ });
});

const caps = async (over: Partial<ContainerSettings>): Promise<string[]> => (await spec(over)).process?.capabilities?.bounding ?? [];

test('capabilities', async (t) => {
  const defaults = await caps({});
  t.is(defaults.length, 12);
  t.false(defaults.includes('CAP_NET_RAW') || defaults.includes('CAP_MKNOD'));
  t.deepEqual(await caps({ capabilities: { drop: ['ALL'] } }), []);
  t.deepEqual(await caps({ capabilities: { drop: ['all'], add: ['net_admin', 'CAP_CHOWN'] } }), ['CAP_CHOWN', 'CAP_NET_ADMIN']);
  t.is((await caps({ capabilities: { add: ['ALL'] } })).length, 41);
  t.is((await caps({ capabilities: { add: ['ALL'], drop: ['SYS_ADMIN'] } })).length, 40);
  t.is((await caps({ privileged: true })).length, 41);
});

test('confinement by default, and what a privileged container is spared', async (t) => {
  const plain = await spec({ maskedPaths: undefined, readonlyPaths: undefined } as never);
  t.true(plain.process?.noNewPrivileges);
  t.is(plain.linux?.seccomp?.defaultAction, 'SCMP_ACT_ERRNO');
  t.true(plain.linux?.maskedPaths?.includes('/proc/kcore'));
  t.true(plain.linux?.readonlyPaths?.includes('/proc/sys'));
  t.deepEqual(plain.linux?.resources?.devices?.[0], { allow: false, access: 'rwm' });
  const free = await spec({ privileged: true, maskedPaths: undefined, readonlyPaths: undefined } as never);
  t.false(free.process?.noNewPrivileges);
  t.is(free.linux?.seccomp, undefined);
  t.deepEqual([free.linux?.maskedPaths, free.linux?.readonlyPaths], [[], []]);
  t.deepEqual(free.linux?.resources?.devices, [{ allow: true, access: 'rwm' }]);
  t.is((await spec({ seccomp: 'unconfined' })).linux?.seccomp, undefined);
});

test('the default profile follows the capabilities', async (t) => {
  const names = async (add: string[]): Promise<Set<string>> => new Set((await spec({ capabilities: { add } })).linux?.seccomp?.syscalls?.filter((rule) => rule.action === 'SCMP_ACT_ALLOW' && !rule.args).flatMap((rule) => rule.names));
  const plain = await names([]);
  t.true(plain.has('chroot') && !plain.has('mount') && !plain.has('bpf') && !plain.has('clone') && !plain.has('keyctl') && !plain.has('io_uring_setup'));
  t.true((await names(['SYS_ADMIN'])).has('mount'));
  t.true((await names(['BPF'])).has('bpf') && !(await names(['BPF'])).has('mount'));
  t.is((await spec()).linux?.seccomp, (await spec()).linux?.seccomp, 'one object, so that it is compiled once');
});

test('environment: PATH, HOSTNAME and TERM, then the image’s, then one’s own', async (t) => {
  const { process } = await spec({ env: { B: 'own', PATH: '/own' }, terminal: true }, { env: ['A=image', 'B=image'] });
  t.deepEqual(process?.env, ['PATH=/own', 'HOSTNAME=0123456789ab', 'TERM=xterm', 'A=image', 'B=own']);
});

test('a user’s mount takes the place of a default one, parents first', async (t) => {
  const { mounts } = await spec({ mounts: [{ type: 'bind', source: '/b', target: '/a/b' }, { type: 'tmpfs', target: '/dev/shm' }, { type: 'bind', source: '/a', target: '/a' }] });
  t.is(mounts?.filter(({ destination }) => destination === '/dev/shm').length, 1);
  t.deepEqual(mounts?.slice(-3).map(({ destination }) => destination), ['/a', '/a/b', '/dev/shm']);
});

test('memory means no swap unless it is asked for', async (t) => {
  t.deepEqual((await spec({ memory: 100 })).linux?.resources?.memory, { limit: 100, swap: 100 });
  t.deepEqual((await spec({ memory: 100, memorySwap: -1 })).linux?.resources?.memory, { limit: 100, swap: -1 });
  t.is((await spec()).linux?.resources?.memory, undefined);
});

test('device numbers as makedev packs them', (t) => {
  t.deepEqual(deviceNumbers(0x103), { major: 1, minor: 3 });
  t.deepEqual(deviceNumbers(0x10302), { major: 259, minor: 2 });
  t.deepEqual(deviceNumbers(0x10300801), { major: 8, minor: 0x10301 });
});

const refused: Array<[path: string, over: Partial<ContainerSettings>]> = [
  ['capabilities.add[1]', { capabilities: { add: ['CHOWN', 'FLY'] } }],
  ['capabilities.drop[0]', { capabilities: { drop: ['WALK'] } }],
  ['env["A=B"]', { env: { 'A=B': 'c' } }],
  ['cwd', { cwd: 'relative' }],
  ['rlimits.RLIMIT_X', { rlimits: [{ type: 'RLIMIT_X', soft: 1, hard: 1 }] }],
  ['rlimits.RLIMIT_CPU', { rlimits: [{ type: 'RLIMIT_CPU', soft: 2, hard: 1 }] }],
  ['sysctls["kernel.panic"]', { sysctls: { 'kernel.panic': '1' } }],
  ['sysctls["net.core.somaxconn"]', { sysctls: { 'net.core.somaxconn': '1' }, network: 'host' }],
  ['mounts[0].target', { mounts: [{ type: 'tmpfs', target: 'x' }] }],
  ['mounts[0].source', { mounts: [{ type: 'bind', source: 'x', target: '/x' }] }],
  ['mounts[0].idmap', { mounts: [{ type: 'bind', source: '/x', target: '/x', idmap: true }] }],
  ['devices[0].source', { devices: [{ source: '/dev/none-such' }] }],
  ['devices[0].access', { devices: [{ source: '/dev/null', access: 'q' }] }],
  ['cpus', { cpus: 1, cpuQuota: 5000 }],
  ['memorySwap', { memorySwap: 100 }],
  ['memoryReservation', { memory: 10, memoryReservation: 20 }],
  ['io.weight', { io: { weight: 1 } }],
  ['io.readBps["/etc/passwd"]', { io: { readBps: { '/etc/passwd': 1 } } }],
];
for (const [path, over] of refused) {
  test(`refused: ${path}`, async (t) => {
    const error = await t.throwsAsync(spec(over), { instanceOf: CoreError, code: 'E_INVALID' });
    t.deepEqual([...new Set(error?.issues.map((issue) => issue.path))], [path]);
  });
}
