/** `ctx.fs`: what lies below the granted folders, links followed, and nothing else. */
import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { scopedFiles, type ScopedFiles } from '#core/kernel/files.js';
import { temporaryFolder } from '../../helpers/folder.js';

async function granted(t: ExecutionContext): Promise<{ files: ScopedFiles; inside: string; outside: string }> {
  const folder = temporaryFolder(t);
  const [inside, outside] = [join(folder, 'inside'), join(folder, 'outside')];
  await mkdir(inside);
  await mkdir(outside);
  await writeFile(join(outside, 'secret'), 'secret');
  return { files: scopedFiles('plugin', [`fs:${inside}/`, 'exec']), inside, outside };
}

test('reads, writes, lists, renames and removes below the folder', async (t) => {
  const { files, inside } = await granted(t);
  await files.mkdir(join(inside, 'a', 'b'));
  await files.writeFile(join(inside, 'a', 'b', 'one'), 'text');
  t.is(Buffer.from(await files.readFile(join(inside, 'a', 'b', 'one'))).toString(), 'text');
  await files.rename(join(inside, 'a', 'b', 'one'), join(inside, 'two'));
  t.deepEqual(await files.readdir(inside), ['a', 'two']);
  t.true((await files.stat(join(inside, 'two'))).isFile());
  await files.rm(join(inside, 'a'));
  await files.rm(join(inside, 'never was'));
  t.deepEqual(await readdir(inside), ['two']);
});

test('a write replaces the whole file and leaves nothing beside it', async (t) => {
  const { files, inside } = await granted(t);
  await files.writeFile(join(inside, 'file'), 'a long first text');
  await files.writeFile(join(inside, 'file'), 'short');
  t.is(await readFile(join(inside, 'file'), 'utf8'), 'short');
  await t.throwsAsync(files.writeFile(join(inside, 'no', 'folder'), ''), { code: 'ENOENT' });
  t.deepEqual(await readdir(inside), ['file']);
});

const refused = test.macro(async (t, use: (files: ScopedFiles, places: { inside: string; outside: string }) => Promise<unknown>) => {
  const { files, inside, outside } = await granted(t);
  await symlink(outside, join(inside, 'folder-link'));
  await symlink(join(outside, 'secret'), join(inside, 'file-link'));
  await t.throwsAsync(use(files, { inside, outside }), { code: 'E_PERMISSION', message: /plugin lacks the permission fs:/ });
  t.deepEqual(await readdir(outside), ['secret']);
  t.is(await readFile(join(outside, 'secret'), 'utf8'), 'secret');
});

test('reading beside', refused, (files, { outside }) => files.readFile(join(outside, 'secret')));
test('a sibling with the same beginning', refused, (files, { inside }) => files.writeFile(`${inside}-too`, ''));
test('climbing', refused, (files, { inside }) => files.readFile(`${inside}/../outside/secret`));
test('through a linked folder', refused, (files, { inside }) => files.writeFile(join(inside, 'folder-link', 'new'), ''));
test('making folders through a link', refused, (files, { inside }) => files.mkdir(join(inside, 'folder-link', 'a', 'b')));
test('reading a linked file', refused, (files, { inside }) => files.readFile(join(inside, 'file-link')));
test('listing a linked folder', refused, (files, { inside }) => files.readdir(join(inside, 'folder-link')));
test('removing through a link', refused, (files, { inside }) => files.rm(join(inside, 'folder-link', 'secret')));
test('renaming out', refused, async (files, { inside, outside }) => {
  await files.writeFile(join(inside, 'mine'), '');
  await files.rename(join(inside, 'mine'), join(outside, 'mine'));
});
test('renaming in', refused, (files, { inside, outside }) => files.rename(join(outside, 'secret'), join(inside, 'mine')));

test('a link itself may be removed and written over: only the link is touched', async (t) => {
  const { files, inside, outside } = await granted(t);
  await symlink(join(outside, 'secret'), join(inside, 'link'));
  await files.writeFile(join(inside, 'link'), 'mine');
  t.is(await readFile(join(outside, 'secret'), 'utf8'), 'secret');
  t.is(await readFile(join(inside, 'link'), 'utf8'), 'mine');
});

test('a granted folder may be reached by a link, and need not be there yet', async (t) => {
  const { inside, outside } = await granted(t);
  const link = `${inside}-link`;
  await symlink(inside, link);
  const files = scopedFiles('plugin', [`fs:${link}/later`]);
  await files.mkdir(join(inside, 'later', 'deep'));
  await files.writeFile(join(link, 'later', 'deep', 'file'), 'text');
  t.deepEqual(await readdir(join(inside, 'later', 'deep')), ['file']);
  await t.throwsAsync(files.readFile(join(outside, 'secret')), { code: 'E_PERMISSION' });
});
