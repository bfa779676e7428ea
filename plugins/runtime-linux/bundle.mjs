/**
 * Makes the bundle of `core-oci`, and what V8 compiles it to. Comes in: the output of tsc. Goes out: `dist/oci/core-oci.cjs` and `.v8` beside it. Called by the build.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const folder = join(import.meta.dirname, 'dist', 'oci');
const outfile = join(folder, 'core-oci.cjs');

/** Commander spawns for sub-commands that are programs, which there are none of; to load the module takes as long as half of our own code. */
const lazily = {
  name: 'lazily',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) => (importer.includes('/commander/') ? { path: 'child_process', namespace: 'lazy' } : undefined));
    onLoad({ filter: /.*/, namespace: 'lazy' }, () => ({ contents: "module.exports = { get spawn() { return require('node:child_process').spawn; } };", resolveDir: folder }));
  },
};

// Stale pairs fit by their length alone.
rmSync(`${outfile}.v8`, { force: true });
const { warnings } = await build({
  entryPoints: [join(folder, 'main.js')],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  charset: 'ascii',
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  define: { 'import.meta.dirname': '__dirname' },
  // Of a module of the core's that is looked at and left out, as nothing of it is used.
  logOverride: { 'empty-import-meta': 'silent' },
  // msgpackr looks for it and does without.
  external: ['msgpackr-extract'],
  plugins: [lazily],
});
if (warnings.length > 0) process.exit(1);

// In a process of its own, where nothing has been compiled yet that a command does not compile.
const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'bundle-warm.cjs')], { stdio: ['ignore', 'inherit', 'pipe'], encoding: 'utf8' });
// Those commands say there why they fail; it is of interest when the process itself does.
if (status !== 0) process.stderr.write(stderr);
process.exit(status ?? 1);
