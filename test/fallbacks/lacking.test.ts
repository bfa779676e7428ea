/** What a kernel may have been built or set up without: overlay and user namespaces. What needs them is refused, with what mends it; what does not, runs. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { COMMAND, oci } from '../e2e/oci/command.js';
import { withFolder } from '../helpers/real-kernel.js';
import { coreRun, doctor, errorOf, findings, leftIn } from './command.js';
import { denier, runBeneath } from './deny.js';
import { asOrdinary, withoutFurtherNamespaces } from './user.js';

for (const [use, errno, otherwise] of [['overlay', 'ENODEV', 'ok'], ['userns', 'EPERM', 'ok'], ['userns', 'ENOSPC', 'ok'], ['into-group', 'E2BIG', 'EINVAL']] as const) {
  const word = (rules: readonly string[]): string => (rules.length > 0 ? runBeneath(rules, [denier(), '--try', use]) : spawnSync(denier(), ['--try', use], { encoding: 'utf8' })).stdout.trim();
  test(`the denial of ${use} (${errno}) is one`, (t) => {
    t.is(word([]), otherwise);
    t.is(word([`${use}=${errno}`]), errno);
  });
}

withFolder('no overlay (ENODEV): images are refused, with the module that is missing', async (t, folder) => {
  const ended = coreRun(folder, { rules: ['overlay=ENODEV'] });
  const error = errorOf(ended);
  t.like(error, { code: 'E_UNSUPPORTED' });
  t.regex(error.message, /file ?system of type overlay \(ENODEV\)/);
  t.deepEqual(leftIn(folder), []);
  t.regex(error.hint ?? '', /modprobe.*CONFIG_OVERLAY_FS.*core oci/);
});

oci('no overlay (ENODEV): a folder runs by core-oci', (t, stage) => {
  stage.configure(['echo', 'hello']);
  const ended = runBeneath(['overlay=ENODEV'], [process.execPath, COMMAND, '--root', stage.root, 'run', stage.id], stage.bundle);
  t.like(ended, { status: 0, stdout: 'hello\n' });
});

for (const errno of ['EPERM', 'ENOSPC']) {
  withFolder(`no user namespaces (${errno}): a container that asks for one is refused, others run`, async (t, folder) => {
    const rules = [`userns=${errno}`];
    const ended = coreRun(folder, { rules, options: { namespaces: { user: 'private' } } });
    const error = errorOf(ended);
    t.is(error.code, 'E_UNSUPPORTED');
    t.regex(error.message, new RegExp(`newuser.*\\(${errno}\\)`));
    t.regex(error.hint ?? '', /user\.max_user_namespaces.*CLONE_NEWUSER/);
    t.regex(coreRun(folder, { rules }).stdout, /"line":"hello"/);
    const finding = doctor(rules).get('user namespaces');
    t.is(finding?.status, 'limited');
    t.true(finding?.found.includes(errno), finding?.found);
  });
}


withFolder('no user namespaces (EPERM): an ordinary user is told so, by `core run` and by the doctor', async (t, folder) => {
  const error = errorOf(runBeneath(['userns=EPERM'], asOrdinary(folder, ['run', 'SET'])));
  t.is(error.code, 'E_UNSUPPORTED');
  t.regex(error.message, /cannot make a user namespace: Operation not permitted/);
  t.regex(error.hint ?? '', /CLONE_NEWUSER/);
  const finding = findings(runBeneath(['userns=EPERM'], asOrdinary(mkdtempSync(join(folder, 'doctor-')), ['doctor']))).get('user namespaces');
  t.like(finding, { status: 'failed', found: 'refused to this process (EPERM)' });
});

withFolder('no user namespaces (the sysctl): an ordinary user is told which switch it is', async (t, folder) => {
  const error = errorOf(await withoutFurtherNamespaces(asOrdinary(folder, ['run', 'SET'])));
  t.is(error.code, 'E_UNSUPPORTED');
  t.regex(error.message, /cannot make a user namespace: No space left on device/);
  t.is(error.hint, 'User namespaces are switched off here: sysctl -w user.max_user_namespaces=15000.');
  const finding = findings(await withoutFurtherNamespaces(asOrdinary(mkdtempSync(join(folder, 'doctor-')), ['doctor']))).get('user namespaces');
  t.like(finding, { status: 'failed', found: 'user.max_user_namespaces is 0' });
});
