/**
 * Plans as they are written down in `test/golden/`: a change there is a change of what the executor is told. After a wanted
 * change run with UPDATE_GOLDEN=1 and read the difference.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerSettings, ImageConfig, Rootfs } from '@core/core/plugin';
import test from 'ava';
import { compilePlan } from '#runtime-linux/plan/index.js';
import type { RootlessFacts } from '#runtime-linux/rootless/facts.js';
import { userNetwork } from '#runtime-linux/rootless/network.js';
import { singleMaps } from '#runtime-linux/rootless/ids.js';
import { buildSpec } from '#runtime-linux/spec/index.js';
import { machine, paths, settings, specDefaults, type layouts } from './helpers/machines.js';

const GOLDEN = join(import.meta.dirname, '..', '..', 'golden');
const overlay: Rootfs = { kind: 'overlay', lowers: ['/var/lib/core/images/b', '/var/lib/core/images/a'] };
const host: Rootfs = { kind: 'overlay', lowers: ['/'], masks: ['/etc/shadow', '/root/.ssh'], scratch: [{ path: '/tmp', mode: 0o1777 }] };

const ordinary: RootlessFacts = {
  user: { uid: 1000, gid: 1000, name: 'ann' },
  maps: { uids: [{ containerID: 0, hostID: 1000, size: 1 }, { containerID: 1, hostID: 100_000, size: 65_536 }], gids: [{ containerID: 0, hostID: 1000, size: 1 }, { containerID: 1, hostID: 100_000, size: 65_536 }] },
  helpers: { newuidmap: '/usr/bin/newuidmap', newgidmap: '/usr/bin/newgidmap' },
  limits: 'warn',
  network: userNetwork('auto', { find: (name) => `/usr/bin/${name}`, mayUse: () => true }),
  root: [
    { kind: 'link', path: '/bin', target: 'usr/bin' },
    { kind: 'overlay', path: '/etc', mode: 0o755 },
    { kind: 'file', path: '/notes' },
    { kind: 'empty', path: '/proc', mode: 0o555 },
    { kind: 'overlay', path: '/tmp', mode: 0o1777 },
    { kind: 'empty', path: '/var', mode: 0o755 },
    { kind: 'overlay', path: '/var/lib', mode: 0o755 },
    { kind: 'empty', path: '/root', mode: 0o700 },
    { kind: 'overlay', path: '/root/.ssh', mode: 0o700 },
  ],
};

interface Case {
  readonly on: keyof typeof layouts;
  readonly settings?: Partial<ContainerSettings>;
  readonly image?: ImageConfig;
  readonly rootfs?: Rootfs;
  readonly rootless?: RootlessFacts;
}

const limits: Partial<ContainerSettings> = {
  memory: 256 * 1024 * 1024, memoryReservation: 128 * 1024 * 1024, cpus: 1.5, cpuShares: 512, cpusetCpus: '0-1', cpusetMems: '0', pids: 100, io: { weight: 500 },
};

const cases: Record<string, Case> = {
  'default-hybrid': { on: 'hybrid' },
  'default-v1': { on: 'v1' },
  'default-v2': { on: 'v2' },
  'limits-hybrid': { on: 'hybrid', settings: { ...limits, hugepages: { '2MB': 4 * 1024 * 1024 } } },
  'limits-v1': { on: 'v1', settings: limits },
  'limits-v2': { on: 'v2', settings: { ...limits, hugepages: { '2MB': 4 * 1024 * 1024 } } },
  'host-image': { on: 'hybrid', rootfs: host, settings: { readonly: true } },
  rootless: { on: 'hybrid', rootless: ordinary },
  'rootless-single-id': { on: 'hybrid', rootless: { ...ordinary, helpers: undefined, maps: singleMaps(ordinary.user) } },
  'rootless-network': { on: 'hybrid', rootless: ordinary, settings: { network: 'user' } },
  'rootless-host-image': { on: 'hybrid', rootless: ordinary, rootfs: host, settings: { readonly: true } },
  folder: { on: 'hybrid', rootfs: { kind: 'folder', path: '/srv/rootfs' } },
  userns: { on: 'hybrid', settings: { namespaces: { user: 'private', time: 'private' }, timeOffsets: { boottime: 60 } } },
  'userns-folder-shifted': { on: 'hybrid', rootfs: { kind: 'folder', path: '/srv/rootfs', idmap: false }, settings: { namespaces: { user: 'private' } } },
  'userns-folder-host-network': { on: 'hybrid', rootfs: { kind: 'folder', path: '/srv/rootfs' }, settings: { namespaces: { user: 'private' }, network: 'host' } },
  'shared-namespaces': { on: 'v2', settings: { network: 'host', namespaces: { pid: 'host', ipc: 'host', uts: 'host', cgroup: 'host' } } },
  'shared-cgroup-namespace': { on: 'hybrid', settings: { memory: 64 << 20, namespaces: { cgroup: 'host' } } },
  mounts: {
    on: 'hybrid',
    settings: {
      mounts: [
        { type: 'bind', source: '/srv/deep', target: '/data/deep', readonly: true },
        { type: 'bind', source: '/srv/data', target: '/data', recursive: false, readonly: true, propagation: 'rslave' },
        { type: 'tmpfs', target: '/scratch', size: 1 << 20, mode: 0o700, exec: true },
        { type: 'tmpfs', target: '/dev/shm', readonly: true },
        { type: 'bind', source: '/srv/sys', target: '/sys/fs/bpf' },
      ],
    },
  },
  process: {
    on: 'hybrid',
    image: { entrypoint: ['/entry'], cmd: ['image'], env: ['A=image', 'B=image'], workingDir: '/srv', user: 'web:staff' },
    settings: {
      command: ['own'], env: { B: 'own' }, terminal: true, init: true, hostname: 'box', domainname: 'example', groups: [10, 20], umask: 0o27, oomScoreAdj: 500,
      rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: -1 }], sysctls: { 'net.ipv4.ip_forward': '1' }, capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] }, noNewPrivileges: false,
    },
  },
};

for (const [name, { on, settings: over, image = {}, rootfs = overlay, rootless }] of Object.entries(cases)) {
  test(`the plan of ${name}`, async (t) => {
    const spec = await buildSpec({ id: 'web', settings: settings(over), image }, { ...specDefaults, rootless });
    const input = { id: 'web', spec, rootfs, io: { stdin: false, stdinOnce: false, log: { maxBytes: 1 << 20, maxFiles: 2 } }, paths, host: { ...machine(on), ...(rootless && { rootless, cgroups: { mode: 'none', unifiedControllers: [], v1: {} } as const }) } };
    const plan = compilePlan(input);
    t.deepEqual(compilePlan(input), plan, 'compiling is a pure function');
    const file = join(GOLDEN, `${name}.json`);
    const text = readable(plan);
    if (process.env['UPDATE_GOLDEN']) writeFileSync(file, text);
    t.is(text, readFileSync(file, 'utf8'));
  });
}

/** One step per line. Programs are named by their size; what they do is tested where they are made. */
function readable(plan: object): string {
  const value = (item: unknown): string =>
    JSON.stringify(item, (_, inner: unknown) => (typeof inner === 'bigint' ? `0x${inner.toString(16)}` : inner instanceof Uint8Array ? `${inner.length} bytes` : inner));
  const entries = Object.entries(plan).map(([key, item]) =>
    Array.isArray(item) && Array.isArray(item[0]) ? `  "${key}": [\n${item.map((step) => `    ${value(step)}`).join(',\n')}\n  ]` : `  "${key}": ${value(item)}`,
  );
  return `{\n${entries.join(',\n')}\n}\n`;
}
