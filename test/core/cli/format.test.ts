import test from 'ava';
import { formatAge, formatBytes, printable, shorten, shortId } from '#core/cli/format.js';
import { nearest } from '#core/cli/nearest.js';
import { renderRow, showProgress } from '#core/cli/progress.js';
import { renderTable } from '#core/cli/table.js';

const bytes: Array<[number, string]> = [
  [0, '0B'], [1023, '1023B'], [1024, '1KiB'], [1536, '1.5KiB'], [1024 ** 2 - 1, '1MiB'], [99.96 * 1024, '100KiB'], [512 * 1024 ** 2, '512MiB'], [1.25 * 1024 ** 3, '1.3GiB'], [3 * 1024 ** 5, '3PiB'], [4000 * 1024 ** 5, '4000PiB'],
];
for (const [input, expected] of bytes) test(`${input} bytes are ${expected}`, (t) => t.is(formatBytes(input), expected));

const ages: Array<[number, string]> = [[0, '0s'], [-5, '0s'], [59_999, '59s'], [60_000, '1m'], [3_599_999, '59m'], [3_600_000, '1h'], [86_400_000, '1d'], [400 * 86_400_000, '1y']];
for (const [input, expected] of ages) test(`an age of ${input} ms is ${expected}`, (t) => t.is(formatAge(input), expected));

test('ids are cut, names are not', (t) => {
  t.is(shortId('a'.repeat(64)), 'a'.repeat(12));
  t.is(shortId(`sha256:${'b'.repeat(64)}`), 'b'.repeat(12));
  t.is(shortId('host'), 'host');
});

test('a text is cut by characters', (t) => {
  t.is(shorten('🐎🐎🐎🐎', 3), '🐎🐎…');
  t.is(shorten('abc', 3), 'abc');
});

const typos: Array<[string, string | undefined]> = [['pss', 'ps'], ['lgos', 'logs'], ['atach', 'attach'], ['isnpect', 'inspect'], ['zzzzzz', undefined], ['compose', undefined]];
for (const [typed, meant] of typos) {
  test(`${typed} means ${meant}`, (t) => t.is(nearest(typed, ['ps', 'logs', 'exec', 'attach', 'inspect', 'stop', 'completion']), meant));
}

test('a table is aligned, has no borders and no trailing space', (t) => {
  const columns = [
    { head: 'NAME', cell: (row: { name: string; size: number }) => row.name },
    { head: 'SIZE', align: 'right' as const, cell: (row: { name: string; size: number }) => String(row.size) },
    { head: 'X', cell: () => '' },
  ];
  t.is(renderTable(columns, [{ name: 'a', size: 5 }, { name: 'longer', size: 12345 }], { color: false }), 'NAME      SIZE   X\na            5\nlonger   12345');
});

test('colours only when asked for', (t) => {
  const columns = [{ head: 'N', cell: (_row: object, colors: { red(text: string): string }) => colors.red('x') }];
  t.false(renderTable(columns, [{}], { color: false }).includes('\x1b'));
  t.true(renderTable(columns, [{}], { color: true }).includes('\x1b[31mx\x1b[39m'));
});

test('no control character of a container reaches the terminal', (t) => {
  t.is(printable('a\x1b[2Jb\nc\x07\x9b1m'), 'a\\x1b[2Jb\\x0ac\\x07\\x9b1m');
  t.is(printable('\x1b[31mred\x1b[39m'), '\x1b[31mred\x1b[39m');
});

test('a row of progress', (t) => {
  const id = `sha256:${'c'.repeat(64)}`;
  t.is(renderRow({ id, phase: 'unpack', current: 512, total: 1024, unit: 'bytes' }), 'cccccccccccc             unpack     [============>           ] 512B / 1KiB');
  t.is(renderRow({ id, phase: 'unpack', current: 2048, total: 1024, unit: 'bytes' }), 'cccccccccccc             unpack     [========================] 2KiB / 1KiB');
  t.is(renderRow({ id: 'x', phase: 'copy', current: 3, unit: 'items' }), 'x                        copy       3');
  t.is(renderRow({ id: 'x', phase: 'copy', done: true }), 'x                        copy       done');
});

test('progress is drawn in place on a terminal, the last state stays, and nothing is written elsewhere', async (t) => {
  let screen = '';
  const display = showProgress({ isTTY: true, columns: 200, write: (text) => (screen += text) });
  display.onProgress({ id: 'a', phase: 'copy', current: 1, total: 2 });
  display.onProgress({ id: 'b', phase: 'copy', current: 1, total: 2 });
  await new Promise((resolve) => setTimeout(resolve, 150));
  t.is(screen.split('\n').length, 3);
  display.onProgress({ id: 'a', phase: 'copy', done: true });
  display.close();
  t.true(screen.includes('\x1b[2A'));
  t.regex(screen.slice(screen.indexOf('\x1b[2A')), /a +copy +done/);
  screen = '';
  display.onProgress({ id: 'c', phase: 'copy', current: 1 });
  display.close();
  t.false(screen.includes('A\x1b') || screen.startsWith('\x1b['));
  let silent = '';
  const none = showProgress({ write: (text) => (silent += text) });
  none.onProgress({ id: 'a', phase: 'copy' });
  none.close();
  t.is(silent, '');
});
