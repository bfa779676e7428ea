/** Compiles every TypeScript block and parses every JSON block of the documents, so that no page shows what does not work. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';

const root = join(import.meta.dirname, '..', '..', '..');
const work = join(root, '.cache', 'doc-examples');

interface Block {
  readonly page: string;
  readonly language: string;
  readonly text: string;
}

test('every TypeScript block of the documents compiles', async (t) => {
  const blocks = (await allBlocks()).filter(({ language }) => language === 'ts');
  t.true(blocks.length > 0);
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  await Promise.all(blocks.map(({ page, text }, i) => writeFile(join(work, `${i}-${page.replaceAll(/\W/g, '-')}.mts`), `${text}\nexport {};\n`)));
  await writeFile(join(work, 'tsconfig.json'), JSON.stringify({
    extends: '../../tsconfig.base.json',
    compilerOptions: { composite: false, noEmit: true, noUnusedLocals: false, noUnusedParameters: false, rootDir: '.' },
    include: ['*.mts'],
  }));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  await t.notThrowsAsync(promisify(execFile)(process.execPath, [tsc, '-p', work, '--pretty', 'false']).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  }));
});

test('every JSON block of the documents parses', async (t) => {
  for (const { page, language, text } of await allBlocks()) {
    if (language === 'json') t.notThrows(() => JSON.parse(text) as unknown, page);
  }
});

async function allBlocks(): Promise<Block[]> {
  const pages = await markdown('.');
  const found = await Promise.all(pages.map(async (page) => blocksOf(page, await readFile(join(root, page), 'utf8'))));
  return found.flat();
}

/** The pages of the root, `docs/`, and one README per package; nothing generated, nothing installed. */
async function markdown(folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true });
  const found = await Promise.all(entries.map((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return /^(node_modules|dist|build|\..*)$/.test(entry.name) ? [] : markdown(path);
    return entry.name.endsWith('.md') ? [path] : [];
  }));
  return found.flat();
}

function blocksOf(page: string, text: string): Block[] {
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', body = '']) => ({ page, language, text: body }));
}
