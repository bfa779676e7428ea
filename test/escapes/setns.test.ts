/** Joining the machine's namespaces by the files of its first process. */
import { escapeInside } from './support/inside.js';

escapeInside({
  name: 'joining the machine\'s namespaces by /proc/1/ns',
  line: 'for type in mnt net pid uts; do /attack/attack setns /proc/1/ns/$type; done',
  success: /^ok$/m,
  weakened: { privileged: true, namespaces: { pid: 'host' } },
  also: [{ namespaces: { pid: 'host' } }, { namespaces: { pid: 'host' }, seccomp: 'unconfined' }, { capabilities: { add: ['SYS_PTRACE'] }, namespaces: { pid: 'host' } }],
});
