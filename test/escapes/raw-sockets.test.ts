/** Raw and packet sockets: forged addresses and overheard traffic on a shared bridge. */
import { escapeInside } from './support/inside.js';

escapeInside({
  name: 'raw and packet sockets',
  line: 'probe socket 2 3; probe socket 17 3',
  success: /^ok$/m,
  weakened: { capabilities: { add: ['NET_RAW'] } },
  also: [{ seccomp: 'unconfined' }, { network: 'host' }],
});
