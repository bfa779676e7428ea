#!/usr/bin/env node
/** Checks what no compiler sees: the size of files, and that the error catalogue and its use agree. Comes in: the files git knows. Goes out: one line per fault. Called by `npm test`. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogue } from '../core/dist/errors/codes.js';

const root = join(import.meta.dirname, '..');
const MAX_LINES = 300;
/** Lists of facts, not code: one line per system call. */
const TABLES = /\/tables\//;

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((path) => /\.(ts|mts|mjs|c|h)$/.test(path) && existsSync(join(root, path)))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

const faults = [...longFiles(), ...strangeCodes(), ...unusedCodes()];
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;

function longFiles() {
  return files
    .filter(({ path }) => !TABLES.test(path))
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > MAX_LINES)
    .map(({ path, lines }) => `${path}: ${lines} lines; past ${MAX_LINES} a file is asking to be two`);
}

/** In C and in scripts a code may be written too, so every file counts but tests, which make codes up. */
function strangeCodes() {
  return files.filter(({ path }) => !path.startsWith('test/')).flatMap(({ path, text }) =>
    [...new Set(codesIn(text))]
      .filter((code) => !Object.hasOwn(catalogue, code))
      .map((code) => `${path}: ${code} is not in core/errors/codes.ts, the only place where a code is born`),
  );
}

function unusedCodes() {
  const used = new Set(files.filter(({ path }) => !/^(test|docs)\/|errors\/codes\.ts$/.test(path)).flatMap(({ text }) => codesIn(text)));
  return Object.keys(catalogue)
    .filter((code) => !used.has(code))
    .map((code) => `core/errors/codes.ts: nothing throws ${code}`);
}

function codesIn(text) {
  return [...text.matchAll(/['"](E_[A-Z_]+)['"]/g)].map((match) => match[1]);
}
