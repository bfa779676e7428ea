#!/usr/bin/env node
/** Builds the unpacker as a command, `executor/build/core-unpack`, for tests; `--sanitize` gives `core-unpack-asan`. Prints its path. Run by the tests that use it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

const executor = join(import.meta.dirname, '..', '..');
const unpack = join(executor, 'unpack');
const sanitize = process.argv.includes('--sanitize');
const output = join(executor, 'build', sanitize ? 'core-unpack-asan' : 'core-unpack');
const flags = ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-O2', '-g', ...(sanitize ? ['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'] : [])];

const own = readdirSync(unpack).filter((name) => /\.[ch]$/.test(name)).map((name) => join(unpack, name));
const shared = ['err', 'fds', 'util', 'msgpack', 'encode', 'node'].map((name) => join(executor, `${name}.c`));
const sources = [...own.filter((path) => path.endsWith('.c')), ...shared, join(unpack, 'test', 'command.c')];

if (changed(output) < Math.max(...[...own, ...sources, import.meta.filename].map(changed))) {
  mkdirSync(join(executor, 'build'), { recursive: true });
  const fresh = `${output}.${process.pid}`;
  const { status } = spawnSync('cc', [...flags, '-o', fresh, ...sources], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
  renameSync(fresh, output);
}
console.log(output);

function changed(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
