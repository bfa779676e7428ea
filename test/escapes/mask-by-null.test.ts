/** A mask is a mount of the null device. In a container without one of its own it is the machine's, whose mode its root must not change. */
import { escape } from './support/escape.js';
import { naiveRuntime } from './support/programs.js';
import type { Step } from '../e2e/executor/support.js';

/** To what it is already, so that the machine is none the worse when it succeeds. */
const CHANGE = 'chmod 666';

escape({
  name: 'changing the machine\'s /dev/null through a mask',
  cves: ['2025-31133'],
  weakened: ({ folder }) => naiveRuntime(`touch "$FOLDER/masked"; mount --bind /dev/null "$FOLDER/masked"; ${CHANGE} "$FOLDER/masked"`, { FOLDER: folder }).status === 0,
  async ours(at) {
    const inside: Step[] = [['mask', ['/etc/group']]];
    const { lines } = await (await at.executor()).once('c1', { nodes: false, inside, argv: ['sh', '-c', `stat -c %t:%T /etc/group; ${CHANGE} /etc/group; echo code $?`] });
    at.t.true(lines.includes('1:3'), 'the file is not masked');
    return lines.includes('code 0');
  },
});
