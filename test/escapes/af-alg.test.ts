/** Sockets of the kernel's crypto, by the calls of both word lengths. Where the kernel has none, what counts is who says no: it, or the filter. */
import { escapeInside } from './support/inside.js';

escapeInside({
  name: 'AF_ALG sockets',
  cves: ['2026-31431'],
  line: 'probe socket 38 5; /attack/attack socket32 38',
  success: /^(ok|errno EAFNOSUPPORT)$/m,
  weakened: { seccomp: 'unconfined' },
  also: [{ capabilities: { add: ['NET_RAW', 'NET_ADMIN'] } }, { network: 'host' }],
});
