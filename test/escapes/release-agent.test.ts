/** A group of cgroup v1 names a program that the machine executes when it becomes empty. The file is opened only. */
import { existsSync } from 'node:fs';
import { escapeInside } from './support/inside.js';

escapeInside({
  name: 'release_agent of cgroup v1',
  cves: ['2022-0492'],
  line: 'mkdir /tmp/groups; mount -t cgroup -o memory cgroup /tmp/groups; for file in /tmp/groups/release_agent /sys/fs/cgroup/*/release_agent; do probe open $file w; done',
  success: /^ok$/m,
  weakened: { privileged: true, namespaces: { cgroup: 'host' } },
  also: [{ namespaces: { cgroup: 'host' } }, { seccomp: 'unconfined' }],
}, existsSync('/sys/fs/cgroup/memory/release_agent') ? {} : { unless: 'no cgroup v1 with a release_agent' });
