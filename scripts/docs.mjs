#!/usr/bin/env node
/**
 * Writes the pages that are made from code: docs/errors.md from the catalogue, docs/hooks.md from the lifecycles. Called by
 * `npm run docs`; with `--check` it writes nothing and fails when a page is not what it would write.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { catalogue } from '../core/dist/errors/codes.js';

const root = join(import.meta.dirname, '..');
const check = process.argv.includes('--check');
const pages = { 'errors.md': errorsPage(), ...(await hooksPage()) };

for (const [name, text] of Object.entries(pages)) {
  const path = join(root, 'docs', name);
  const current = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (current === text) continue;
  if (check) {
    console.error(`${relative(root, path)} is out of date: run \`npm run docs\``);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    console.log(`wrote ${relative(root, path)}`);
  }
}

function errorsPage() {
  const rows = Object.entries(catalogue).map(([code, { when, hint, retryable }]) => `| \`${code}\` | ${cell(when)} | ${cell(hint)} | ${retryable ? 'yes' : ''} |`);
  return page('Errors', 'Every error that leaves a public edge is a `CoreError` with one of these codes. Switch on `error.code`; `error.hint` says the way out where there is one.', [
    '| code | when | way out | the same call may succeed later |',
    '|---|---|---|---|',
    ...rows,
  ]);
}

async function hooksPage() {
  const index = join(root, 'core', 'dist', 'lifecycle', 'index.js');
  if (!existsSync(index)) return {};
  const { lifecycles } = await import(index);
  const sections = Object.entries(lifecycles).flatMap(([name, hooks]) => [
    `## ${name}`,
    '',
    '| hook | kind | |',
    '|---|---|---|',
    ...Object.entries(hooks).map(([hook, { kind, about }]) => `| \`${name}.${hook}\` | ${kind} | ${cell(about)} |`),
    '',
  ]);
  return { 'hooks.md': page('Hooks', 'Every point of every lifecycle, in the order of the lifecycle. `core hooks` shows the same with the taps of a running kernel.', sections) };
}

function page(title, about, lines) {
  return `# ${title}\n\n${about}\nThis page is made from the code by \`npm run docs\`.\n\n${lines.join('\n').trimEnd()}\n`;
}

function cell(text) {
  return text.replaceAll('|', '\\|');
}
