/**
 * `core __complete WORD...`, called by the shells' completion scripts. Comes in: the words so far, the last being the one to
 * complete. Goes out: one candidate per line, with what it is after a tab. It never fails aloud and never waits for long.
 */
import { basename, dirname, join } from 'node:path';
import { readdir } from 'node:fs/promises';
import type { Command as Program } from 'commander';
import { Cli } from './cli.js';
import { commands, type Entry } from './commands.js';

interface Candidate {
  readonly word: string;
  readonly about: string;
}

const PATIENCE_MS = 1_000;

export async function complete(words: readonly string[]): Promise<number> {
  const candidates = await candidatesFor(words).catch(() => []);
  for (const { word, about } of candidates) process.stdout.write(`${word}\t${about}\n`);
  return 0;
}

async function candidatesFor(words: readonly string[]): Promise<Candidate[]> {
  const current = words.at(-1) ?? '';
  const [name, ...given] = words.slice(0, -1);
  const all = name === undefined ? [...names(), ...(await files(current, /\.[cm]?[jt]s$/))] : await forCommand(name, given, current);
  return all.filter(({ word }) => word.startsWith(current));
}

function names(): Candidate[] {
  return Object.entries(commands).map(([word, { summary }]) => ({ word, about: summary }));
}

async function forCommand(name: string, given: readonly string[], current: string): Promise<Candidate[]> {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (name === 'help') return names();
  if (!entry) return [];
  if (current.startsWith('-')) return options((await entry.load()).default.program(name, entry.summary));
  if (name === 'completion') return ['bash', 'zsh', 'fish'].map((word) => ({ word, about: 'shell' }));
  return operands(entry, given, current);
}

function options(program: Program): Candidate[] {
  return program.createHelp().visibleOptions(program).flatMap(({ short, long, description }) => [long, short].flatMap((word) => (word ? [{ word, about: description }] : [])));
}

async function operands(entry: Entry, given: readonly string[], current: string): Promise<Candidate[]> {
  if (entry.completes === 'files') return files(current, /\.(json|[cm]?[jt]s)$/);
  if (entry.completes === undefined) return [];
  const cli = new Cli({});
  try {
    const engine = await cli.engine();
    const signal = AbortSignal.timeout(PATIENCE_MS);
    if (entry.completes === 'images') return (await engine.images.list({}, { signal })).flatMap(({ names, id }) => names.map((word) => ({ word, about: id })));
    const found = await engine.containers.list({ all: true }, { signal });
    return found.filter(({ name }) => !given.includes(name)).map(({ name, image, state }) => ({ word: name, about: `${image}, ${state}` }));
  } finally {
    await cli.close();
  }
}

/** Folders too, so that one can go on into them. */
async function files(current: string, wanted: RegExp): Promise<Candidate[]> {
  const folder = current.endsWith('/') ? current : dirname(current);
  const prefix = current.includes('/') ? (current.endsWith('/') ? current : `${dirname(current)}/`) : '';
  const entries = await readdir(join(folder, '.'), { withFileTypes: true });
  return entries
    .filter((entry) => (entry.isDirectory() || wanted.test(entry.name)) && (!entry.name.startsWith('.') || basename(current).startsWith('.')))
    .map((entry) => ({ word: `${prefix}${entry.name}${entry.isDirectory() ? '/' : ''}`, about: entry.isDirectory() ? 'folder' : 'file' }));
}
