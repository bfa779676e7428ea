/** Keyrings are not namespaced: what root keeps in one, root of every container may read. */
import { escapeInside } from './support/inside.js';

escapeInside({
  name: 'the kernel\'s keyrings',
  line: '/attack/attack add_key core-attack; /attack/attack keyctl; wc -l < /proc/keys | grep -vx 0',
  success: /^(ok|\d+)$/m,
  weakened: { seccomp: 'unconfined' },
});
