/** What a container is kept from: capabilities, seccomp, no_new_privs, masked and read-only paths, sysctls, devices. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { groupOf } from '../../helpers/cgroup.js';
import { rootfs, run } from '../../helpers/images.js';
import { optionCases } from '../../helpers/option-case.js';
import { mountsOf, statusField } from '../../helpers/proc.js';

const CAP = { CHOWN: 0, DAC_OVERRIDE: 1, FOWNER: 3, FSETID: 4, KILL: 5, SETGID: 6, SETUID: 7, SETPCAP: 8, NET_BIND_SERVICE: 10, NET_RAW: 13, SYS_CHROOT: 18, SYS_ADMIN: 21, MKNOD: 27, AUDIT_WRITE: 29, SETFCAP: 31 };
const DEFAULT = ['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'SETGID', 'SETUID', 'SETFCAP', 'SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'] as const;

const mask = (names: ReadonlyArray<keyof typeof CAP>): string =>
  names.reduce((sum, name) => sum | (1n << BigInt(CAP[name])), 0n).toString(16).padStart(16, '0');
const readCaps = 'grep ^Cap /proc/self/status | tr -d "\\t" | tr "\\n" " "';

/** No filter of ours is no filter at all, unless these tests run beneath one. */
const around = statusField('self', 'Seccomp');

/** The same mask in all of the sets that count for root. */
const sets = (value: string): RegExp => new RegExp(`CapPrm:${value} CapEff:${value} CapBnd:${value}`);

optionCases({
  'capabilities: docker\'s less NET_RAW and MKNOD by default': {
    options: {},
    script: readCaps,
    inside: sets(mask(DEFAULT)),
    outside: (t, { pid }) => t.is(statusField(pid, 'CapBnd'), mask(DEFAULT)),
  },
  'capabilities: add and drop, with or without CAP_': {
    options: { capabilities: { add: ['NET_RAW', 'cap_sys_admin'], drop: ['CAP_CHOWN'] } },
    script: `${readCaps}; echo; touch /tmp/f; probe chown /tmp/f`,
    inside: (t, said) => {
      const [caps = '', chown] = said.split('\n');
      t.regex(caps, sets(mask([...DEFAULT.filter((name) => name !== 'CHOWN'), 'NET_RAW', 'SYS_ADMIN'])));
      t.is(chown, 'errno EPERM');
    },
    outside: (t, { pid }) => t.is(statusField(pid, 'CapEff'), mask([...DEFAULT.filter((name) => name !== 'CHOWN'), 'NET_RAW', 'SYS_ADMIN'])),
  },
  'capabilities: drop ALL': {
    options: { capabilities: { drop: ['ALL'], add: ['KILL'] } },
    script: readCaps,
    inside: sets(mask(['KILL'])),
    outside: (t, { pid }) => t.is(statusField(pid, 'CapEff'), mask(['KILL'])),
  },
  'noNewPrivileges: on by default': {
    options: {},
    script: 'grep NoNewPrivs /proc/self/status | tr -d "\\t"',
    inside: 'NoNewPrivs:1',
    outside: (t, { pid }) => t.is(statusField(pid, 'NoNewPrivs'), '1'),
  },
  'noNewPrivileges: false, and the filter is in force all the same': {
    options: { noNewPrivileges: false },
    script: 'grep -E "NoNewPrivs|Seccomp:" /proc/self/status | tr -d "\\t"',
    inside: 'NoNewPrivs:0\nSeccomp:2',
    outside: (t, { pid }) => t.is(statusField(pid, 'NoNewPrivs'), '0'),
  },
  'seccomp: default denies AF_ALG, AF_VSOCK, user namespaces and mounts, and clone3 is not there': {
    options: { capabilities: { add: ['NET_RAW'] } },
    script: 'probe socket 38 5; probe socket 40; probe socket 2; probe unshare; probe mount /tmp; probe clone3',
    inside: 'errno EPERM\nerrno EPERM\nok\nerrno EPERM\nerrno EPERM\nerrno ENOSYS',
    outside: (t, { pid }) => t.is(statusField(pid, 'Seccomp'), '2'),
  },
  'seccomp: unconfined': {
    options: { seccomp: 'unconfined' },
    script: 'grep Seccomp: /proc/self/status | tr -d "\\t"; probe clone3',
    inside: (t, said) => t.is(said, `Seccomp:${around}\n${run(join(rootfs(), 'bin', 'probe'), ['clone3']).trim()}`),
    outside: (t, { pid }) => t.is(statusField(pid, 'Seccomp_filters'), statusField('self', 'Seccomp_filters')),
  },
  'seccomp: a profile of one\'s own': {
    options: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86_64'], syscalls: [{ names: ['socket'], action: 'SCMP_ACT_ERRNO', errnoRet: 95, args: [{ index: 0, value: 2, op: 'SCMP_CMP_EQ' }] }] } },
    script: 'probe socket 2; probe socket 1',
    inside: 'errno EOPNOTSUPP\nok',
    outside: (t, { pid }) => t.is(statusField(pid, 'Seccomp'), '2'),
    ...(process.arch !== 'x64' && { unless: 'the profile names x86_64' }),
  },
  'privileged: every capability there is, no filter, the machine\'s devices': {
    options: { privileged: true },
    script: 'grep -E "CapEff|Seccomp:" /proc/self/status | tr -d "\\t"; test -c /dev/kmsg && echo kmsg; probe mount /tmp',
    inside: (t, said) => t.is(said, `CapEff:${statusField('self', 'CapEff')}\nSeccomp:${around}\nkmsg\nok`),
    outside: (t, { pid }) => t.is(statusField(pid, 'CapEff'), statusField('self', 'CapEff')),
  },
  'maskedPaths: the usual ones read as empty by default': {
    options: {},
    script: 'wc -c < /proc/keys; wc -c < /proc/timer_list; ls /sys/firmware | wc -l; echo x > /sys/firmware/x; true',
    inside: '0\n0\n0',
    outside: (t, { pid }) => {
      const mounts = mountsOf(pid);
      t.true(mounts.has('/proc/keys') && mounts.has('/proc/timer_list'));
      t.true(mounts.get('/sys/firmware')?.options.includes('ro'));
    },
  },
  'maskedPaths: a file and a folder of one\'s own': {
    options: { maskedPaths: ['/etc/passwd', '/home', '/not/there'] },
    script: 'wc -c < /etc/passwd; ls /home | wc -l; wc -c < /etc/group',
    inside: (t, said) => {
      const [passwd, home, group] = said.split('\n');
      t.deepEqual([passwd, home], ['0', '0']);
      t.true(Number(group) > 0);
    },
    outside: (t, { pid }) => t.true(mountsOf(pid).has('/etc/passwd') && mountsOf(pid).has('/home')),
  },
  'readonlyPaths: what lies there stays readable': {
    options: { readonlyPaths: ['/home'] },
    script: 'ls /home; touch /home/x 2>&1 | grep -o "Read-only.*"; touch /var/ok && echo ok',
    inside: 'app\nRead-only file system\nok',
    outside: (t, { pid }) => t.true(mountsOf(pid).get('/home')?.options.includes('ro')),
  },
  'sysctls: in the container\'s own namespaces alone': {
    options: { sysctls: { 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '12345' } },
    script: 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax',
    inside: '1\n12345',
    outside: (t) => t.not(readFileSync('/proc/sys/kernel/msgmax', 'utf8').trim(), '12345'),
  },
  'devices: the usual ones work, others cannot be opened even when made': {
    options: { capabilities: { add: ['MKNOD'] } },
    script: 'for d in null zero full random urandom tty; do test -c /dev/$d && echo -n "$d "; done; echo; probe mknod /tmp/kmsg 1 11; probe open /tmp/kmsg; probe open /dev/null',
    inside: 'null zero full random urandom tty \nok\nerrno EPERM\nok',
    outside: (t, { pid }) => {
      t.is(statSync(`/proc/${pid}/root/dev/null`).rdev, statSync('/dev/null').rdev);
      const { version, path } = groupOf(pid, 'devices');
      if (version === 1) t.false(readFileSync(`${path}/devices.list`, 'utf8').split('\n').some((line) => line.startsWith('a ') || line.startsWith('c 1:11')));
    },
  },
  'devices: one of the machine\'s, read only, under another name': {
    options: { devices: [{ source: '/dev/fuse', target: '/dev/other-name', access: 'r' }] },
    script: 'probe open /dev/other-name; probe open /dev/other-name w; stat -c %t:%T /dev/other-name',
    inside: 'ok\nerrno EPERM\na:e5',
    outside: (t, { pid }) => {
      t.is(statSync(`/proc/${pid}/root/dev/other-name`).rdev, statSync('/dev/fuse').rdev);
      const { version, path } = groupOf(pid, 'devices');
      if (version === 1) t.true(readFileSync(`${path}/devices.list`, 'utf8').includes('c 10:229 r'));
    },
    ...(!existsSync('/dev/fuse') && { unless: 'no /dev/fuse' }),
  },
});
