import test from 'ava';
import { isCoreError } from '#core/errors/index.js';
import { parseKeys, typed } from '#core/cli/terminal.js';

const keys: Array<[string, number[]]> = [['', []], ['ctrl-p,ctrl-q', [16, 17]], ['a', [97]], ['ctrl-[,x', [27, 120]], ['ctrl-@', [0]], ['ctrl-\\', [28]]];
for (const [text, expected] of keys) test(`keys ${text || '(none)'}`, (t) => t.deepEqual(parseKeys(text), expected));

for (const text of ['ctrl-', 'ctrl-1', 'alt-x', 'ctrl-p,', 'ctrl-P']) {
  test(`${text} is no list of keys`, (t) => t.true(isCoreError(t.throws(() => parseKeys(text)), 'E_INVALID')));
}

async function type(chunks: string[], sequence: number[]) {
  let detached = false;
  const passed: string[] = [];
  async function* source() {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  for await (const chunk of typed(source(), sequence, () => (detached = true))) passed.push(Buffer.from(chunk).toString());
  return { passed: passed.join(''), detached };
}

const cases: Array<{ title: string; chunks: string[]; passed: string; detached: boolean; sequence?: number[] }> = [
  { title: 'plain text passes', chunks: ['ls -l\r'], passed: 'ls -l\r', detached: false },
  { title: 'the sequence in one chunk', chunks: ['ab\x10\x11cd'], passed: 'ab', detached: true },
  { title: 'the sequence over two chunks', chunks: ['ab\x10', '\x11'], passed: 'ab', detached: true },
  { title: 'a sequence that is broken off is passed on', chunks: ['\x10', 'x'], passed: '\x10x', detached: false },
  { title: 'the first key twice, then the second', chunks: ['\x10\x10\x11'], passed: '\x10', detached: true },
  { title: 'without keys everything passes', chunks: ['\x10\x11'], passed: '\x10\x11', detached: false, sequence: [] },
];
for (const { title, chunks, passed, detached, sequence = [16, 17] } of cases) {
  test(title, async (t) => t.deepEqual(await type(chunks, sequence), { passed, detached }));
}
