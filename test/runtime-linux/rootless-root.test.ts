/** Which pieces an ordinary user's root of the machine is made of. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { piecesOf } from '#runtime-linux/rootless/host-root.js';
import { temporaryFolder } from '../helpers/folder.js';

function tree(t: ExecutionContext, ...folders: string[]): string {
  const top = temporaryFolder(t);
  for (const folder of folders) mkdirSync(join(top, folder), { recursive: true });
  return top;
}

test('a folder with nothing mounted below is one overlay, links and files are themselves', (t) => {
  const top = tree(t, 'usr/bin', 'opt');
  symlinkSync('usr/bin', join(top, 'bin'));
  writeFileSync(join(top, 'notes'), '');
  chmodSync(join(top, 'opt'), 0o6777);
  t.deepEqual(piecesOf(top, ['/']), [
    { kind: 'link', path: '/bin', target: 'usr/bin' },
    { kind: 'file', path: '/notes' },
    { kind: 'overlay', path: '/opt', mode: 0o777 },
    { kind: 'overlay', path: '/usr', mode: 0o755 },
  ]);
});

test('one with a mount below is split down to it, and what is mounted is left out', (t) => {
  const top = tree(t, 'var/lib/deep/er', 'var/cache', 'data');
  const kinds = piecesOf(top, ['/', '/var/lib/deep', '/data', '/data/more']).map(({ kind, path }) => `${kind} ${path}`);
  t.deepEqual(kinds, ['empty /data', 'empty /var', 'overlay /var/cache', 'empty /var/lib', 'empty /var/lib/deep']);
});

test('the system is shown though it is a mount, a file that is one is not', (t) => {
  const top = tree(t, 'usr', 'home');
  writeFileSync(join(top, 'secret'), '');
  t.deepEqual(piecesOf(top, ['/usr', '/home', '/secret']).map(({ kind, path }) => `${kind} ${path}`), ['empty /home', 'overlay /usr']);
});

test('a folder with more in it than mounts can be made for stays empty', (t) => {
  const top = tree(t, 'var/mounted', ...Array.from({ length: 200 }, (_, index) => `var/${index}`));
  t.deepEqual(piecesOf(top, ['/var/mounted']), [{ kind: 'empty', path: '/var', mode: 0o755 }]);
});
