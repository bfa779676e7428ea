/** Users, groups and user namespaces: who the process is inside, and who it is on the machine. */
import { readFileSync, statSync } from 'node:fs';
import { optionCases, type OptionCase } from '../../helpers/option-case.js';
import { namespaceOf, statusField } from '../../helpers/proc.js';

const ids = 'echo $(id -u):$(id -g):$(id -G | tr " " ,)';

/** user -> what `ids` prints, and the effective uid, gid and the groups the machine shows. */
const users: Record<string, [user: string, said: string, groups: string]> = {
  'by name, with the groups of the name': ['app', '1000:1000:1000,2000', '1000 2000'],
  'by number, looked up for its group': ['1001', '1001:1001:1001', '1001'],
  'by a number nobody has': ['4242', '4242:0:0', '0'],
  'by name and group': ['app:extra', '1000:2000:2000', '2000'],
  'by numbers': ['7:8', '7:8:8', '8'],
};

optionCases(
  Object.fromEntries(
    Object.entries(users).map(([title, [user, said, groups]]): [string, OptionCase] => [
      `user: ${title}`,
      {
        options: { user, cwd: '/' },
        script: ids,
        inside: (t, text) => {
          const [uid, gid, list = ''] = text.split(':');
          const [expectedUid, expectedGid, expectedList = ''] = said.split(':');
          t.deepEqual([uid, gid], [expectedUid, expectedGid]);
          t.deepEqual(sorted(list.split(',')), sorted(expectedList.split(',')));
        },
        outside: (t, { pid }) => {
          const [uid = '', gid = ''] = said.split(':');
          t.is(statusField(pid, 'Uid'), `${uid} ${uid} ${uid} ${uid}`);
          t.is(statusField(pid, 'Gid'), `${gid} ${gid} ${gid} ${gid}`);
          t.deepEqual(sorted([...statusField(pid, 'Groups').split(' '), gid]), sorted([...groups.split(' '), gid]));
          t.is(BigInt(`0x${statusField(pid, 'CapEff')}`), 0n, 'a user other than root has no capabilities in effect');
        },
      },
    ]),
  ),
);

/** Without doubles: the group of the process may be among the supplementary ones or not. */
function sorted(groups: readonly string[]): string[] {
  return [...new Set(groups)].filter(Boolean).sort();
}

optionCases({
  'groups: added to those of the user': {
    options: { user: 'app', groups: [3000, 3001], cwd: '/' },
    script: 'for g in $(id -G); do echo $g; done | sort -n | tr "\\n" " "',
    inside: /\b3000 3001\b/,
    outside: (t, { pid }) => {
      const groups = statusField(pid, 'Groups').split(' ');
      t.true(groups.includes('3000') && groups.includes('3001'));
    },
  },
  'user: HOME comes from passwd': {
    options: { user: 'app', cwd: '/' },
    script: 'echo $HOME',
    inside: '/home/app',
    outside: (t, { pid }) => t.true(readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes('HOME=/home/app')),
  },
  'namespaces.user private: root inside is 100000 outside': {
    options: { namespaces: { user: 'private' } },
    script: 'cat /proc/self/uid_map | tr -s " "; id -u; touch /tmp/mine; stat -c %u /tmp/mine /bin/busybox',
    inside: /^ ?0 100000 65536\n0\n0\n0$/,
    outside: (t, { pid }) => {
      t.not(namespaceOf(pid, 'user'), namespaceOf('self', 'user'));
      t.is(statusField(pid, 'Uid'), '100000 100000 100000 100000');
      t.is(statusField(pid, 'Gid'), '100000 100000 100000 100000');
      t.is(statSync(`/proc/${pid}`).uid, 100000);
    },
  },
  'idMappings: as given': {
    options: { namespaces: { user: 'private' }, idMappings: { uids: [{ container: 0, host: 200000, size: 2000 }], gids: [{ container: 0, host: 300000, size: 3000 }] }, user: 'app', cwd: '/' },
    script: 'cat /proc/self/uid_map /proc/self/gid_map | tr -s " "; id -u',
    inside: /^ ?0 200000 2000\n ?0 300000 3000\n1000$/,
    outside: (t, { pid }) => {
      t.is(statusField(pid, 'Uid'), '201000 201000 201000 201000');
      t.is(statusField(pid, 'Gid'), '301000 301000 301000 301000');
    },
  },
  'namespaces.user private: a root inside is nobody to the machine': {
    options: { namespaces: { user: 'private' }, capabilities: { add: ['SYS_ADMIN'] }, mounts: [{ type: 'bind', source: '/etc', target: '/machine' }] },
    script: 'cat /machine/shadow; touch /machine/core-e2e-x; echo $?',
    inside: '1',
    outside: (t) => t.throws(() => statSync('/etc/core-e2e-x'), { code: 'ENOENT' }),
  },
});
