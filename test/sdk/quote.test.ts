import { execFileSync, spawnSync } from 'node:child_process';
import test from 'ava';
import { isCoreError } from '#core/errors/index.js';
import { buildScript, quote } from '#sdk/quote.js';

const shells = [['sh'], ['dash'], ['bash'], ['busybox', 'sh']].filter(([program = '']) => spawnSync(program, ['-c', 'true']).status === 0 || spawnSync(program, ['true']).status === 0);

const words: Record<string, string> = {
  plain: 'word',
  empty: '',
  space: 'a b',
  'single quote': "it's",
  'only quotes': "''",
  'double quote': '"x"',
  dollar: '$HOME $(id) ${x} `id`',
  backslash: '\\n \\\\ \\',
  newline: 'a\nb\n',
  glob: '* ? [a-z] ~ {a,b}',
  operators: '; & | < > ( ) # !',
  dash: '-rf',
  assignment: 'A=1',
  digit: '1',
  unicode: 'žluťoučký 🐎',
  control: '\x01\x1b\t\r',
  'ansi-c': "$'\\x41'",
};

for (const shell of shells) {
  for (const [name, word] of Object.entries(words)) {
    test(`${shell.join(' ')} takes ${name} as one word`, (t) => {
      const [program = '', ...args] = shell;
      const printed = execFileSync(program, [...args, '-c', `printf %s. ${quote(word)}`], { encoding: 'utf8' });
      t.is(printed, `${word}.`);
    });
  }
}

test('a quoted digit before > stays a word', (t) => {
  t.is(execFileSync('sh', ['-c', `cd "$(mktemp -d)"; echo ${quote('1')}>file; cat file; rm file; rmdir "$PWD"`], { encoding: 'utf8' }), '1\n');
});

function script(pieces: TemplateStringsArray, ...values: unknown[]): string {
  return buildScript(pieces, values);
}

test('values stand where they were written', (t) => {
  t.is(script`cp ${'a b'} ${'c'}/d`, `cp 'a b' 'c'/d`);
});

test('a list is one word per element, also nested, and none when empty', (t) => {
  t.is(script`ls ${['-l', 'a b', ['c', 3]]} end`, `ls '-l' 'a b' 'c' '3' end`);
  t.is(script`ls ${[]} end`, 'ls  end');
});

for (const [name, value] of Object.entries({ undefined, null: null, object: {}, function: () => {}, symbol: Symbol('x'), NUL: 'a\0b', 'undefined in a list': ['a', undefined] })) {
  test(`${name} is no word`, (t) => {
    const error = t.throws(() => script`rm -rf ${'x'} ${value}`);
    t.true(isCoreError(error, 'E_INVALID'));
    t.regex(error?.message ?? '', /value 2/);
  });
}
