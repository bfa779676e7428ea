/** Each namespace, private and the machine's, compared by the kernel's own names for them; and what one sees in it. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { ContainerOptions } from '@core/core/plugin';
import { versionOf } from '../../helpers/cgroup.js';
import { optionCases, type OptionCase } from '../../helpers/option-case.js';
import { namespaceOf } from '../../helpers/proc.js';

type Kind = keyof NonNullable<ContainerOptions['namespaces']>;

const kinds: readonly Kind[] = ['pid', 'ipc', 'uts', 'cgroup', 'user', 'time'];

/** The file of /proc/PID/ns that says in which namespace the process itself is. */
const compared = (title: string, kind: string, options: Partial<ContainerOptions>, own: boolean): [string, OptionCase] => [
  title,
  {
    options,
    script: `readlink /proc/self/ns/${kind}`,
    inside: (t, said) => t.is(said === namespaceOf('self', kind), !own),
    outside: (t, { pid, said }) => t.is(namespaceOf(pid, kind), said, 'inside and outside name the same one'),
  },
];

const table = kinds.flatMap((kind) => [
  compared(`namespaces.${kind}: private`, kind, { namespaces: { [kind]: 'private' } }, true),
  compared(`namespaces.${kind}: host`, kind, { namespaces: { [kind]: 'host' } }, false),
  compared(`namespaces.${kind}: the default`, kind, {}, kind !== 'user' && kind !== 'time'),
]);

optionCases(Object.fromEntries([
  ...table,
  compared('network: none is a namespace of its own', 'net', { network: 'none' }, true),
  compared('network: host is the machine\'s', 'net', { network: 'host' }, false),
  compared('the mount namespace is always its own', 'mnt', {}, true),
]));

optionCases({
  'namespaces.pid private: only its own processes are there': {
    options: {},
    script: 'ls /proc | grep -c "^[0-9]"',
    inside: (t, said) => t.true(Number(said) <= 4),
    outside: (t, { pid }) => t.regex(readFileSync(`/proc/${pid}/status`, 'utf8'), /NSpid:\t\d+\t1\n/),
  },
  'namespaces.pid host: the machine\'s processes are there': {
    options: { namespaces: { pid: 'host' } },
    script: `test -d /proc/${process.pid} && echo seen`,
    inside: 'seen',
    outside: (t, { pid }) => t.regex(readFileSync(`/proc/${pid}/status`, 'utf8'), /NSpid:\t\d+\n/),
  },
  'network none: loopback, up, and nothing else': {
    options: {},
    script: 'ls /sys/class/net; busybox ip -o addr show lo | grep -o "127.0.0.1/8"; busybox ip route | wc -l',
    inside: 'lo\n127.0.0.1/8\n0',
    outside: (t, { pid }) => {
      const names = readFileSync(`/proc/${pid}/net/dev`, 'utf8').split('\n').slice(2).flatMap((line) => line.split(':')[0]?.trim() || []);
      t.deepEqual(names, ['lo']);
    },
  },
  'network host: the machine\'s links': {
    options: { network: 'host' },
    script: 'ls /sys/class/net | sort | tr "\\n" " "',
    inside: (t, said) => {
      const names = readFileSync('/proc/self/net/dev', 'utf8').split('\n').slice(2).flatMap((line) => line.split(':')[0]?.trim() || []);
      t.deepEqual(said.trim().split(' '), names.sort());
    },
    outside: (t, { pid }) => t.is(namespaceOf(pid, 'net'), namespaceOf('self', 'net')),
  },
  'hostname and domainname': {
    options: { hostname: 'box-1', domainname: 'example.test' },
    script: 'hostname; cat /proc/sys/kernel/domainname; echo $HOSTNAME',
    inside: /^box-1\nexample\.test/,
    outside: (t, { pid }) => {
      t.not(hostname(), 'box-1', 'the machine keeps its name');
      t.not(namespaceOf(pid, 'uts'), namespaceOf('self', 'uts'));
    },
  },
  'hostname: by default the container\'s own': {
    options: {},
    script: 'hostname',
    inside: (t, said) => t.not(said, hostname()),
    outside: (t, { said, id }) => t.true(id.startsWith(said), `${said} begins the id`),
  },
  'timeOffsets: the clocks inside are ahead': {
    options: { namespaces: { time: 'private' }, timeOffsets: { monotonic: 100_000, boottime: 200_000 } },
    script: 'probe clock monotonic; probe clock boottime; cut -d. -f1 /proc/uptime',
    inside: (t, said) => {
      const uptime = Number(readFileSync('/proc/uptime', 'utf8').split('.')[0]);
      const [monotonic = 0, boottime = 0, shown = 0] = said.split('\n').map(Number);
      t.true(Math.abs(monotonic - uptime - 100_000) < 1000, `monotonic ${monotonic}, up ${uptime}`);
      t.true(Math.abs(boottime - uptime - 200_000) < 1000, `boottime ${boottime}, up ${uptime}`);
      t.true(Math.abs(shown - boottime) <= 2);
    },
    outside: (t, { pid }) => t.regex(readFileSync(`/proc/${pid}/timens_offsets`, 'utf8'), /monotonic +100000 +0\nboottime +200000 +0/),
  },
  'cgroup namespace: its own group is the root of what it sees': {
    options: {},
    script: 'cut -d: -f3 /proc/self/cgroup | sort -u',
    inside: '/',
    outside: (t, { pid, id }) => t.true(readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(id), 'the machine sees the id in its path'),
  },
  'cgroup namespace of the machine: what is read in /sys/fs/cgroup of v1 is the container\'s all the same': {
    options: { memory: 64 << 20, namespaces: { cgroup: 'host' } },
    script: versionOf('memory') === 1 ? 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes; touch /sys/fs/cgroup/memory/memory.swappiness 2>&1 | grep -o "Read-only.*"' : 'ls /sys/fs/cgroup | grep -c cgroup.controllers',
    inside: versionOf('memory') === 1 ? `${64 << 20}\nRead-only file system` : '1',
    outside: (t, { pid }) => t.is(namespaceOf(pid, 'cgroup'), namespaceOf('self', 'cgroup')),
  },
  'cgroup files inside are read-only': {
    options: {},
    script: 'find /sys/fs/cgroup -name pids.max | head -n 1 | while read f; do echo 1 > $f; done 2>&1 | grep -o "Read-only.*"; mkdir /sys/fs/cgroup/x 2>/dev/null || echo refused',
    inside: 'Read-only file system\nrefused',
    outside: (t, { pid }) => t.not(namespaceOf(pid, 'cgroup'), namespaceOf('self', 'cgroup')),
  },
});
