/** Where a kernel keeps its things when nobody says so. */
import { chmodSync, lstatSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { defaultPlaces, ownRunRoot } from '#core/config/places.js';
import { temporaryFolder } from '../../helpers/folder.js';

const uid = process.getuid?.() ?? 0;

test('root has the machine\'s folders, whatever the environment says', (t) => {
  t.deepEqual(defaultPlaces({ XDG_DATA_HOME: '/d', XDG_RUNTIME_DIR: '/r' }, 0), { root: '/var/lib/core', runRoot: '/run/core' });
});

test('others have what their session gives them', (t) => {
  t.deepEqual(defaultPlaces({ XDG_DATA_HOME: '/d', XDG_RUNTIME_DIR: '/r' }, 1000), { root: '/d/core', runRoot: '/r/core' });
});

test('without a session the run folder is made for the user alone, once', (t) => {
  const above = temporaryFolder(t);
  const folder = ownRunRoot(above, uid);
  t.is(folder, join(above, `core-${uid}`));
  t.is(lstatSync(folder).mode & 0o7777, 0o700);
  t.is(ownRunRoot(above, uid), folder);
});

const squatters: ReadonlyArray<[string, number, (path: string) => void]> = [
  ['that is another user\'s', uid + 1, (path) => mkdirSync(path, { mode: 0o700 })],
  ['that others may enter', uid, (path) => (mkdirSync(path), chmodSync(path, 0o711))],
  ['that is a symlink to one of the user\'s own', uid, (path) => (mkdirSync(`${path}.d`, { mode: 0o700 }), symlinkSync(`${path}.d`, path))],
];
for (const [title, who, put] of squatters) {
  test(`a run folder ${title} is refused`, (t) => {
    const above = temporaryFolder(t);
    put(join(above, `core-${who}`));
    t.throws(() => ownRunRoot(above, who), { code: 'E_REFUSED', message: /alone/ });
  });
}
