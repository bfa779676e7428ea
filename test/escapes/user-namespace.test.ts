/** A user namespace made inside gives every capability over what else is made there, and so the kernel's least trodden paths. */
import { escapeInside } from './support/inside.js';

const CLONE_NEWUSER = 0x1000_0000;

escapeInside({
  name: 'a user namespace made inside',
  line: `/attack/attack unshare ${CLONE_NEWUSER}; /attack/attack clone ${CLONE_NEWUSER}`,
  success: /^ok$/m,
  weakened: { seccomp: 'unconfined' },
  also: [{ privileged: false, user: 'app', cwd: '/' }],
});
