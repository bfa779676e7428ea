/** A node for a device of the machine's, made inside: its kernel log here, its disks in earnest. */
import { escapeInside } from './support/inside.js';

escapeInside({
  name: 'opening a device of the machine through a node made inside',
  line: 'probe mknod /tmp/kmsg 1 11; probe open /tmp/kmsg',
  success: /^ok\nok$/,
  weakened: { privileged: true },
  also: [{ capabilities: { add: ['MKNOD'] } }, { capabilities: { add: ['MKNOD'] }, seccomp: 'unconfined' }],
});
