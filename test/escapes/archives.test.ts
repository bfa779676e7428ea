/** Layers that write outside: each against an extractor that takes names for what they say, then against ours. More of them, without the naive side, in e2e/images/attacks. */
import { linkSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runUnpacker, lacksUnpacker } from '../unpack/helpers/unpacker.js';
import { tar, type Entry } from '../unpack/helpers/tar.js';
import { escape } from './support/escape.js';

type Archive = (outside: string) => readonly Entry[];

/** `outside` holds a file `secret`; the tree is unpacked beside it. */
const archives: Readonly<Record<string, Archive>> = {
  'an absolute name': (outside) => [{ name: `${outside}/new`, data: 'x' }],
  'a name that climbs': () => [{ name: '../../outside/new', data: 'x' }],
  'a name that climbs by a PAX header': () => [{ name: 'harmless', data: 'x', pax: { path: '../../outside/new' } }],
  'a write through a symlink': (outside) => [{ name: 'link', type: '2', link: outside }, { name: 'link/new', data: 'x' }],
  'a write over a symlink to a file': (outside) => [{ name: 'link', type: '2', link: `${outside}/secret` }, { name: 'link', data: 'x' }],
  'a hard link out, then written to': (outside) => [{ name: 'link', type: '1', link: `${outside}/secret` }, { name: 'link', data: 'x' }],
  'a hard link through a symlink, then written to': (outside) => [{ name: 'way', type: '2', link: outside }, { name: 'link', type: '1', link: 'way/secret' }, { name: 'link', data: 'x' }],
  'a whiteout through a symlink': (outside) => [{ name: 'way', type: '2', link: outside }, { name: 'way/.wh.secret' }],
  'a whiteout of ..': () => [{ name: '.wh...' }],
  'an opaque folder that is a symlink': (outside) => [{ name: 'way', type: '2', link: outside }, { name: 'way/.wh..wh..opq' }],
};

for (const [name, entries] of Object.entries(archives)) {
  escape({
    name: `archive: ${name}`,
    weakened: ({ folder }) => changes(join(folder, 'weak'), (root, outside) => naive(root, entries(outside))),
    ours: ({ folder }) => changes(join(folder, 'ours'), (root, outside, base) => void runUnpacker(base, { archive: tar(...entries(outside)), args: ['@', root] })),
  }, { unless: lacksUnpacker() });
}

/** Whether it has changed what lies beside the tree. */
function changes(base: string, unpack: (root: string, outside: string, base: string) => void): boolean {
  const outside = join(base, 'outside');
  mkdirSync(join(base, 'layers'), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), 'secret');
  unpack(join(base, 'layers', 'tree'), outside, base);
  const layers = readdirSync(base).includes('layers');
  return !layers || readdirSync(outside).join() !== 'secret' || readFileSync(join(outside, 'secret'), 'utf8') !== 'secret' || statSync(join(outside, 'secret')).nlink !== 1;
}

/** As extractors were before they were attacked: paths are joined and given to the kernel. */
function naive(root: string, entries: readonly Entry[]): void {
  mkdirSync(root, { recursive: true });
  for (const { name, type = '0', link = '', data = '', pax } of entries) {
    const path = String(pax?.['path'] ?? name);
    const place = path.startsWith('/') ? path : join(root, path);
    const last = place.slice(place.lastIndexOf('/') + 1);
    mkdirSync(dirname(place), { recursive: true });
    if (path.includes('/.wh.') && last === '.wh..wh..opq') for (const entry of readdirSync(dirname(place))) rmSync(join(dirname(place), entry), { recursive: true });
    else if (last.startsWith('.wh.')) rmSync(join(dirname(place), last.slice(4)), { recursive: true, force: true });
    else if (type === '2') symlinkSync(link, place);
    else if (type === '1') linkSync(link.startsWith('/') ? link : join(root, link), place);
    else writeFileSync(place, data);
  }
}
