/** The bundle that `core-oci` starts from: it is taken as compiled, and brings nothing along that a command does not need. */
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../../helpers/folder.js';

const plugin = fileURLToPath(new URL('../../../../plugins/runtime-linux/', import.meta.url));
const command = join(plugin, 'bin', 'core-oci.cjs');
const { load, bundle } = createRequire(import.meta.url)(command) as { load(): { script: { cachedDataRejected?: boolean } }; bundle: string };

test('what V8 compiled at build time is taken', (t) => {
  t.is(load().script.cachedDataRejected, false);
});

test('libraries that only a kernel wants are not in it', (t) => {
  const text = readFileSync(bundle, 'utf8');
  for (const word of ['ZodError', 'tapable', 'awilix', 'lmdb']) t.false(text.includes(word), word);
});

/** Printed by a program that is loaded before the command's own. */
const builtins = "process.on('exit', () => console.log(process.moduleLoadList.filter((name) => /^NativeModule (net|child_process|http|stream|crypto|dns)$/.test(name)).join()))";

test('the commands that only look and signal load neither network nor processes', (t) => {
  const folder = temporaryFolder(t);
  const preload = join(folder, 'preload.cjs');
  writeFileSync(preload, builtins);
  for (const args of [['state', 'x'], ['kill', 'x'], ['delete', '--force', 'x']]) {
    const { stdout } = spawnSync(process.execPath, ['--require', preload, command, '--root', join(folder, 'none'), ...args], { encoding: 'utf8', env: { PATH: process.env['PATH'] } });
    t.is(stdout, '\n', args[0]);
  }
});

test('without the compiled form, or with one of another V8, it works all the same', (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'dist', 'oci'), { recursive: true });
  mkdirSync(join(folder, 'bin'));
  cpSync(command, join(folder, 'bin', 'core-oci.cjs'));
  cpSync(bundle, join(folder, 'dist', 'oci', 'core-oci.cjs'));
  const version = () => spawnSync(process.execPath, [join(folder, 'bin', 'core-oci.cjs'), '--version'], { encoding: 'utf8' }).stdout;
  t.regex(version(), /^core-oci version /);
  writeFileSync(join(folder, 'dist', 'oci', 'core-oci.cjs.v8'), 'not what V8 makes');
  t.regex(version(), /^core-oci version /);
});
