import test from 'ava';
import { parseContainerOptions, parseLimits } from '#core/config/container-options.js';
import { CoreError } from '#core/errors/index.js';

type Options = Parameters<typeof parseContainerOptions>[0];

/** Options beside the image, the path of the one fault expected, and words of its message. */
const malformed: Array<[title: string, options: Record<string, unknown>, path: string, message: RegExp]> = [
  ['a misspelt key', { memmory: '64m' }, 'memmory', /did you mean "memory"/],
  ['a key of another tool', { volumes: [] }, 'volumes', /unknown key "volumes"$/],
  ['a misspelt key further in', { mounts: [{ type: 'tmpfs', target: '/x', sizee: 1 }] }, 'mounts[0].sizee', /did you mean "size"/],
  ['a name with a space', { name: 'my web' }, 'name', /begins with a letter or digit/],
  ['a name that is too long', { name: 'a'.repeat(129) }, 'name', /1 to 128/],
  ['an empty image', { image: '' }, 'image', /empty/],
  ['a command that is a string', { command: 'ls -l' }, 'command', /array/],
  ['a NUL in an argument', { command: ['a\0b'] }, 'command[0]', /NUL/],
  ['a variable name with =', { env: { 'A=B': 'c' } }, 'env["A=B"]', /no "="/],
  ['a number as a variable', { env: { A: 1 } }, 'env.A', /string/],
  ['a relative working folder', { cwd: 'tmp' }, 'cwd', /absolute/],
  ['a user with two colons', { user: 'a:b:c' }, 'user', /uid:gid/],
  ['a user id that is too large', { user: '4294967295' }, 'user', /2147483647/],
  ['a negative group', { groups: [-1] }, 'groups[0]', /0/],
  ['a host name with an underscore', { hostname: 'my_host' }, 'hostname', /letters, digits/],
  ['a host name that is too long', { hostname: 'a'.repeat(65) }, 'hostname', /64/],
  ['a stop signal that is none', { stopSignal: 'SIGTREM' }, 'stopSignal', /did you mean "SIGTERM"/],
  ['a signal number out of range', { stopSignal: '65' }, 'stopSignal', /unknown signal/],
  ['a negative stop timeout', { stopTimeout: -1 }, 'stopTimeout', /0/],
  ['a log size that is none', { log: { maxSize: 'big' } }, 'log.maxSize', /256m/],
  ['no log file at all', { log: { maxFiles: 0 } }, 'log.maxFiles', /1/],
  ['a mount of an unknown type', { mounts: [{ type: 'nfs', target: '/x' }] }, 'mounts[0].type', /bind.*tmpfs/],
  ['a bind without a source', { mounts: [{ type: 'bind', target: '/x' }] }, 'mounts[0].source', /string/],
  ['a relative bind source', { mounts: [{ type: 'bind', source: './x', target: '/x' }] }, 'mounts[0].source', /absolute/],
  ['a relative mount target', { mounts: [{ type: 'tmpfs', target: 'x' }] }, 'mounts[0].target', /absolute/],
  ['a mount over the root', { mounts: [{ type: 'tmpfs', target: '/x/..' }] }, 'mounts[0].target', /root/],
  ['two mounts in one place', { mounts: [{ type: 'tmpfs', target: '/x/' }, { type: 'tmpfs', target: '//x' }] }, 'mounts[1].target', /mounts\[0\]/],
  ['a propagation that is none', { mounts: [{ type: 'bind', source: '/', target: '/x', propagation: 'both' }] }, 'mounts[0].propagation', /rshared/],
  ['an idmapped mount without a user namespace', { mounts: [{ type: 'bind', source: '/', target: '/x', idmap: true }] }, 'mounts[0].idmap', /namespaces\.user/],
  ['no shared memory', { shmSize: 0 }, 'shmSize', /at least/],
  ['a network that is none', { network: 'bridge' }, 'network', /none.*host/],
  ['a namespace mode that is none', { namespaces: { pid: 'shared' } }, 'namespaces.pid', /private/],
  ['a namespace that is none', { namespaces: { net: 'host' } }, 'namespaces.net', /unknown key/],
  ['id mappings without a user namespace', { idMappings: { uids: [{ container: 0, host: 0, size: 1 }], gids: [{ container: 0, host: 0, size: 1 }] } }, 'idMappings', /namespaces\.user/],
  [
    'id mappings that overlap',
    { namespaces: { user: 'private' }, idMappings: { uids: [{ container: 0, host: 0, size: 10 }, { container: 9, host: 20, size: 1 }], gids: [{ container: 0, host: 0, size: 1 }] } },
    'idMappings.uids[1].container',
    /overlaps/,
  ],
  ['time offsets without a time namespace', { timeOffsets: { monotonic: 1 } }, 'timeOffsets', /namespaces\.time/],
  ['a host name for the machine', { namespaces: { uts: 'host' }, hostname: 'x' }, 'hostname', /rename the machine/],
  ['memory below what a process needs', { memory: '511k' }, 'memory', /512 KiB/],
  ['memory of one byte and a half', { memory: 1_000_000.5 }, 'memory', /whole number/],
  ['memory in a unknown unit', { memory: '1x' }, 'memory', /256m/],
  ['memory below zero', { memory: -1 }, 'memory', /whole number/],
  ['a reservation above the limit', { memory: '64m', memoryReservation: '65m' }, 'memoryReservation', /above memory/],
  ['memory plus swap below memory', { memory: '64m', memorySwap: '63m' }, 'memorySwap', /memory plus swap/],
  ['swap without memory', { memorySwap: '64m' }, 'memorySwap', /needs memory/],
  ['a swappiness above 100', { memorySwappiness: 101 }, 'memorySwappiness', /100/],
  ['no cpu at all', { cpus: 0 }, 'cpus', /0\.01/],
  ['cpus and a quota', { cpus: 1, cpuQuota: 50_000 }, 'cpuQuota', /cpus/],
  ['cpus and a period', { cpus: 1, cpuPeriod: 50_000 }, 'cpuPeriod', /cpus/],
  ['a quota below the kernel\'s least', { cpuQuota: 999 }, 'cpuQuota', /1000/],
  ['a cpu set that runs backwards', { cpusetCpus: '3-1' }, 'cpusetCpus', /lowest first/],
  ['a cpu set of words', { cpusetCpus: 'all' }, 'cpusetCpus', /0-3,8/],
  ['no process at all', { pids: 0 }, 'pids', /-1/],
  ['an I/O weight below the least', { io: { weight: 9 } }, 'io.weight', /10/],
  ['an I/O limit of no device', { io: { readBps: { sda: '1m' } } }, 'io.readBps.sda', /major:minor/],
  ['a page size that is none', { hugepages: { '2M': '4m' } }, 'hugepages["2M"]', /2MB/],
  ['a capability that is none', { capabilities: { add: ['NET_RWA'] } }, 'capabilities.add[0]', /did you mean "CAP_NET_RAW"/],
  ['a capability both ways', { capabilities: { add: ['net_raw'], drop: ['CAP_NET_RAW'] } }, 'capabilities.drop[0]', /added and dropped/],
  ['a seccomp profile that is none', { seccomp: 'strict' }, 'seccomp', /unconfined/],
  ['a seccomp action that is none', { seccomp: { defaultAction: 'DENY' } }, 'seccomp.defaultAction', /SCMP_ACT_ERRNO/],
  ['a limit that is none', { rlimits: { nofiles: 1 } }, 'rlimits.nofiles', /did you mean "RLIMIT_NOFILE"/],
  ['a soft limit above the hard one', { rlimits: { nofile: { soft: 2, hard: 1 } } }, 'rlimits.nofile', /above the hard/],
  ['a limit twice', { rlimits: { nofile: 1, RLIMIT_NOFILE: 2 } }, 'rlimits.RLIMIT_NOFILE', /twice/],
  ['a sysctl of the whole machine', { sysctls: { 'vm.swappiness': '1' } }, 'sysctls["vm.swappiness"]', /whole machine/],
  ['a sysctl of the machine\'s network', { network: 'host', sysctls: { 'net.core.somaxconn': '1' } }, 'sysctls["net.core.somaxconn"]', /network/],
  ['a sysctl name that climbs', { sysctls: { '../x': '1' } }, 'sysctls["../x"]', /somaxconn/],
  ['a device below nowhere', { devices: [{ source: 'null' }] }, 'devices[0].source', /absolute/],
  ['a device access that is none', { devices: [{ source: '/dev/null', access: 'rx' }] }, 'devices[0].access', /r, w and m/],
  ['a masked path that is relative', { maskedPaths: ['proc'] }, 'maskedPaths[0]', /absolute/],
  ['an OOM score out of range', { oomScoreAdj: 1001 }, 'oomScoreAdj', /1000/],
  ['a umask out of range', { umask: 0o1000 }, 'umask', /511/],
];

for (const [title, options, path, message] of malformed) {
  test(`refuses ${title}`, (t) => {
    const error = t.throws<CoreError>(() => parseContainerOptions({ image: 'host', ...options } as Options));
    t.is(error.code, 'E_INVALID');
    t.deepEqual(error.issues.map((issue) => issue.path), [path]);
    t.regex(error.issues[0]?.message ?? '', message);
    t.true(error.message.includes(path), error.message);
  });
}

test('finds every fault at once', (t) => {
  const error = t.throws<CoreError>(() => parseContainerOptions({ memory: '1', pids: 0, cwd: 'x', xyz: 1 } as unknown as Options));
  t.deepEqual(error.issues.map(({ path }) => path).sort(), ['cwd', 'image', 'memory', 'pids', 'xyz']);
});

const accepted: Array<[title: string, options: Record<string, unknown>, settings: Record<string, unknown>]> = [
  ['defaults', {}, { network: 'none', pids: 4096, stopTimeout: 10, shmSize: 64 * 1024 ** 2, log: { maxBytes: 10 * 1024 ** 2, maxFiles: 3 }, mounts: [], rlimits: [] }],
  ['sizes in all units', { memory: '1.5g', shmSize: '64KiB', log: { maxSize: '1MB', maxFiles: 1 } }, { memory: 1.5 * 1024 ** 3, shmSize: 65536, log: { maxBytes: 1024 ** 2, maxFiles: 1 } }],
  ['no swap unless asked for', { memory: '64m' }, { memorySwap: 64 * 1024 ** 2 }],
  ['unlimited swap', { memory: '64m', memorySwap: -1 }, { memorySwap: -1 }],
  ['no log', { log: null }, { log: null }],
  ['paths cleaned', { cwd: '/a//b/../c/', mounts: [{ type: 'tmpfs', target: '/x/./y/', size: '1m' }] }, { cwd: '/a/c', mounts: [{ type: 'tmpfs', target: '/x/y', size: 1024 ** 2 }] }],
  ['signals in every spelling', { stopSignal: 'rtmin+3' }, { stopSignal: 'SIGRTMIN+3' }],
  ['signal numbers', { stopSignal: '9' }, { stopSignal: 'SIGKILL' }],
  ['capabilities in every spelling', { capabilities: { add: ['net_raw', 'CAP_CHOWN'], drop: ['all'] } }, { capabilities: { add: ['CAP_NET_RAW', 'CAP_CHOWN'], drop: ['ALL'] } }],
  ['limits in every spelling', { rlimits: { nofile: 10, RLIMIT_CORE: { soft: 0, hard: -1 } } }, { rlimits: [{ type: 'RLIMIT_NOFILE', soft: 10, hard: 10 }, { type: 'RLIMIT_CORE', soft: 0, hard: -1 }] }],
  ['a sysctl of the container\'s own', { sysctls: { 'net.core.somaxconn': '1', 'kernel.shmmax': '1' } }, { sysctls: { 'net.core.somaxconn': '1', 'kernel.shmmax': '1' } }],
];

for (const [title, options, settings] of accepted) {
  test(`settles ${title}`, (t) => {
    t.like(parseContainerOptions({ image: 'host', ...options } as Options), settings);
  });
}

test('new limits name at least one, and go through the same rules', (t) => {
  t.deepEqual(parseLimits({ memory: '64m', cpus: 0.5 }), { memory: 64 * 1024 ** 2, cpus: 0.5 });
  t.is(t.throws<CoreError>(() => parseLimits({})).code, 'E_INVALID');
  const error = t.throws<CoreError>(() => parseLimits({ memory: '1k', image: 'x' } as never));
  t.deepEqual(error.issues.map(({ path }) => path), ['limits.memory', 'limits.image']);
});
