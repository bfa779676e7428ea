#!/usr/bin/env node
/** Builds everything: TypeScript by `tsc -b`, the bundle of `core-oci`, then the executor. Run by `npm install` and `npm run build`. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

run('tsc', [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b', '--pretty', 'false']);
const bundle = join(root, 'plugins', 'runtime-linux', 'bundle.mjs');
if (existsSync(bundle)) run('bundle', [bundle]);
const executor = join(root, 'plugins', 'runtime-linux', 'executor', 'build.mjs');
if (existsSync(executor)) run('executor', [executor]);

function run(name, args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    console.error(`build: ${name} failed`);
    process.exit(status ?? 1);
  }
}
