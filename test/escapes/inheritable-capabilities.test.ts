/** Inheritable capabilities come back by a file's own, for a user who shall have none. */
import { escape } from './support/escape.js';
import { CAPS } from '../e2e/executor/support.js';

const READ = 'grep CapInh /proc/self/status';

escape({
  name: 'inheritable capabilities',
  cves: ['2022-24769'],
  async weakened(at) {
    const { lines } = await (await at.executor()).once('weak', { argv: ['sh', '-c', READ], user: [['user', null, 0, 0, [], true], ['caps', CAPS, CAPS, CAPS, CAPS, 0n]] });
    return some(lines.join());
  },
  async ours({ stage }) {
    const box = await stage.up({ capabilities: { add: ['NET_RAW'] } }, READ);
    const asApp = await box.sh(READ, { user: 'app' });
    return some(box.said) || some((await box.sh(READ)).out) || some(asApp.out);
  },
});

/** Anything but an empty set; where there is no answer the attack counts as successful. */
function some(said: string): boolean {
  return !/CapInh:\s*0{16}/.test(said);
}
