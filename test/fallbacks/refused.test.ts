/** Calls for which nothing safe stands in: whoever wants a container is told which one is missing and what mends it, nothing is left, and `core doctor` says the same. */
import { readdirSync } from 'node:fs';
import { COMMAND, oci } from '../e2e/oci/command.js';
import { withFolder } from '../helpers/real-kernel.js';
import { coreRun, doctor, errorOf, leftIn } from './command.js';
import { runBeneath } from './deny.js';

/** Which of the doctor's checks speaks of it. */
const table: ReadonlyArray<readonly [call: string, errno: string, check: string]> = [
  ['openat2', 'ENOSYS', 'openat2'],
  ['openat2', 'EPERM', 'openat2'],
  ['open_tree', 'ENOSYS', 'new mount API'],
  ['move_mount', 'ENOSYS', 'new mount API'],
  ['fsopen', 'ENOSYS', 'new mount API'],
  ['fsopen', 'EPERM', 'new mount API'],
  ['fsconfig', 'ENOSYS', 'new mount API'],
  ['fsmount', 'ENOSYS', 'new mount API'],
  ['mount_setattr', 'ENOSYS', 'new mount API'],
  ['mount_setattr', 'EPERM', 'new mount API'],
  ['pidfd_open', 'ENOSYS', 'pidfd'],
  ['pidfd_open', 'EPERM', 'pidfd'],
  ['pidfd_send_signal', 'ENOSYS', 'pidfd'],
];

for (const [call, errno, check] of table) {
  withFolder(`no ${call} (${errno}): refused by name`, async (t, folder) => {
    const rules = [`${call}=${errno}`];
    const ended = coreRun(folder, { rules });
    t.not(ended.status, 0);
    t.is(ended.stdout, '');
    const error = errorOf(ended);
    t.is(error.code, 'E_UNSUPPORTED');
    t.true(error.message.includes(call), error.message);
    t.regex(error.hint ?? '', /Linux 5\.12|seccomp/);
    t.deepEqual(error.issues ?? [], [], 'nothing had to be undone that could not be');
    t.deepEqual(leftIn(folder), []);
    const finding = doctor(rules).get(check);
    t.is(finding?.status, 'failed');
    t.true(finding?.found.includes(`${call} (${errno})`), finding?.found);
    t.regex(finding?.mend ?? '', /seccomp/);
  });
}

oci('no openat2: core-oci refuses it by name as well, and leaves nothing', (t, stage) => {
  const { status, stderr } = runBeneath(['openat2=ENOSYS'], [process.execPath, COMMAND, '--root', stage.root, 'create', stage.id], stage.bundle);
  t.is(status, 1);
  t.regex(stderr, /openat2 \(Linux 5\.6\) cannot be called/);
  t.deepEqual(readdirSync(stage.root), []);
});
