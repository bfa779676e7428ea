import { PassThrough } from 'node:stream';
import test from 'ava';
import { isCoreError } from '#core/errors/index.js';
import { ExitError } from '#sdk/failure.js';
import { inside } from '../helpers/inside.js';

test('stdout, stderr and both in order, with the exit code', async (t) => {
  const { $ } = await inside();
  const output = await $`echo one; echo two >&2; sleep 0.05; echo three`;
  t.is(output.stdout, 'one\nthree\n');
  t.is(output.stderr, 'two\n');
  t.deepEqual([...output.stdall.matchAll(/\w+/g)].map(([word]) => word).sort(), ['one', 'three', 'two']);
  t.is(output.exitCode, 0);
  t.true(output.ok);
  t.deepEqual(output.lines(), ['one', 'three']);
});

test('bytes come through as they are', async (t) => {
  const { $ } = await inside();
  const bytes = await $`printf '\\377\\000\\n\\200'`.bytes();
  t.deepEqual([...bytes], [255, 0, 10, 128]);
});

test('json reads stdout alone', async (t) => {
  const { $ } = await inside();
  t.deepEqual(await $`echo warning >&2; echo '{"a":[1]}'`.json(), { a: [1] });
});

test('an output, and a command, can be interpolated', async (t) => {
  const { $ } = await inside();
  const name = await $`echo "a  b"`;
  t.is(await $`printf %s ${name}`.text(), 'a  b');
  t.is(await $`printf %s ${$`echo "c  d"`}`.text(), 'c  d');
});

test('a failure rejects with code, last lines and the line of the script', async (t) => {
  const { $, c } = await inside();
  const error = await t.throwsAsync(async () => $`echo before >&2; exit 7`, { instanceOf: ExitError });
  t.is(error?.code, 'E_EXIT');
  t.is(error?.exitCode, 7);
  t.is(error?.stderr, 'before\n');
  t.regex(error?.message ?? '', /ended with exit code 7[\s\S]*before/);
  t.is(error?.object?.id, c.id);
  t.regex(error?.stack ?? '', /shell\.test/);
});

test('a failing step fails the script', async (t) => {
  const { $ } = await inside();
  t.is(await $`false; echo not reached`.exitCode, 1);
  t.is(await $({ prefix: '' })`false; echo reached`.exitCode, 0);
});

test('nothrow, as a method and as an option', async (t) => {
  const { $ } = await inside();
  t.is((await $`exit 3`.nothrow()).exitCode, 3);
  t.is((await $({ nothrow: true })`exit 4`).exitCode, 4);
});

test('a signal that ended it is told', async (t) => {
  const { $ } = await inside();
  const output = await $`kill -TERM $$`.nothrow();
  t.is(output.signal, 'SIGTERM');
  t.is(output.exitCode, 143);
});

test('options make a new $ and leave the old one alone', async (t) => {
  const { $ } = await inside();
  const bound = $({ cwd: '/', env: { A: '1' } });
  const both = bound({ env: { B: '2' } });
  t.is(await both`echo "$PWD $A $B"`.text(), '/ 1 2\n');
  t.is(await bound`echo "\${B-none}"`.text(), 'none\n');
  t.not(await $`pwd`.text(), '/\n');
});

test('bash where it is asked for', async (t) => {
  const { $ } = await inside();
  t.is(await $({ shell: 'bash' })`[[ -n $BASH_VERSION ]] && echo bash; set -o | grep pipefail`.text(), 'bash\npipefail       \ton\n');
});

const inputs = {
  text: 'abc',
  bytes: Buffer.from('abc'),
  list: ['a', Buffer.from('bc')],
  stream: () => {
    const stream = new PassThrough();
    stream.end('abc');
    return stream;
  },
};

for (const [name, input] of Object.entries(inputs)) {
  test(`input as ${name}`, async (t) => {
    const { $ } = await inside();
    t.is(await $({ input: typeof input === 'function' ? input() : input })`cat`.text(), 'abc');
  });
}

test('without input stdin is empty', async (t) => {
  const { $ } = await inside();
  t.is(await $`wc -c`.text().then((text) => text.trim()), '0');
});

test('stdin by hand', async (t) => {
  const { $ } = await inside();
  const command = $`tr a-z A-Z`;
  command.stdin.write('hello ');
  command.stdin.end('world');
  t.is(await command.text(), 'HELLO WORLD');
});

test('lines come as they are written', async (t) => {
  const { $ } = await inside();
  const seen: string[] = [];
  const command = $`echo a; read -r line; echo "$line"; printf last`;
  command.stdin.on('error', () => {});
  for await (const line of command) {
    seen.push(line);
    if (line === 'a') command.stdin.end('from the reader\n');
  }
  t.deepEqual(seen, ['a', 'from the reader', 'last']);
});

test('iterating a command that fails throws at the end', async (t) => {
  const { $ } = await inside();
  const seen: string[] = [];
  const error = await t.throwsAsync(async () => {
    for await (const line of $`echo a; exit 5`) seen.push(line);
  }, { instanceOf: ExitError });
  t.is(error?.exitCode, 5);
  t.deepEqual(seen, ['a']);
});

test('leaving the loop ends the command', async (t) => {
  const { $, running } = await inside();
  const command = $`yes`;
  for await (const line of command) if (line === 'y') break;
  const output = await command;
  t.is(output.signal, 'SIGPIPE');
  t.is(running.size, 0);
});

test('an abort kills everything the command started', async (t) => {
  const { $, running } = await inside();
  const controller = new AbortController();
  const command = $({ signal: controller.signal })`sleep 60 & echo ready; sleep 61; wait`;
  const error = await t.throwsAsync(async () => {
    for await (const line of command) if (line === 'ready') controller.abort();
  });
  t.true(isCoreError(error, 'E_ABORTED'));
  t.is(running.size, 0);
});

test('an abort before the start runs nothing', async (t) => {
  const { $, running } = await inside();
  const error = await t.throwsAsync(async () => $({ signal: AbortSignal.abort() })`echo x`);
  t.true(isCoreError(error, 'E_ABORTED'));
  t.is(running.size, 0);
});

test('a timeout ends it, as option and as method, and nothrow does not hide it', async (t) => {
  const { $ } = await inside();
  t.true(isCoreError(await t.throwsAsync(async () => $({ timeout: '50ms' })`sleep 60`), 'E_TIMEOUT'));
  t.true(isCoreError(await t.throwsAsync(async () => $`sleep 60`.timeout(50).nothrow()), 'E_TIMEOUT'));
});

test('kill before the start reaches it once it runs', async (t) => {
  const { $ } = await inside();
  const command = $`sleep 60`.nothrow();
  await command.kill('SIGKILL');
  t.is((await command).signal, 'SIGKILL');
});

test('more output than maxBuffer ends the command', async (t) => {
  const { $, running } = await inside();
  const error = await t.throwsAsync(async () => $({ maxBuffer: 100_000 })`yes`);
  t.true(isCoreError(error, 'E_EXIT'));
  t.regex(error?.message ?? '', /100000 bytes/);
  t.is(running.size, 0);
});

test('what is iterated does not count against maxBuffer', async (t) => {
  const { $ } = await inside();
  const command = $({ maxBuffer: 200_000 })`head -c 5000000 /dev/zero | tr '\\0' '\\n'`;
  let lines = 0;
  for await (const _ of command) lines++;
  t.is(lines, 5_000_000);
  t.true((await command).truncated);
});

test('a program that is not there rejects with E_COMMAND', async (t) => {
  const { c } = await inside();
  const error = await t.throwsAsync(async () => c.exec(['/nonexistent']));
  t.true(isCoreError(error, 'E_COMMAND'));
});

test('exec passes its arguments as they are', async (t) => {
  const { c } = await inside();
  t.is(await c.exec(['printf', '%s|', '$HOME', 'a b', '*']).text(), '$HOME|a b|*|');
});

test('the top-level $ runs in a container of its own and removes it', async (t) => {
  const { sdk, containers } = await inside();
  const before = containers.size;
  t.is(await sdk.$`echo inside`.text(), 'inside\n');
  await t.throwsAsync(async () => sdk.$`exit 1`);
  t.is(containers.size, before);
});

test('await using removes the container', async (t) => {
  const { sdk, containers } = await inside();
  const before = containers.size;
  {
    await using c = await sdk.run('host');
    t.true(containers.has(c.id));
  }
  t.is(containers.size, before);
});

test('a container is not awaitable', async (t) => {
  const { c } = await inside();
  t.false('then' in c);
});
