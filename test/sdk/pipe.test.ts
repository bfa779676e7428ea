import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import test from 'ava';
import { CoreError, isCoreError } from '#core/errors/index.js';
import { ExitError } from '#sdk/failure.js';
import { inside } from '../helpers/inside.js';

test('pipe into a command of another container', async (t) => {
  const { $, sdk } = await inside();
  const other = await sdk.run('host');
  const output = await $`printf 'b\na\n'`.pipe(other.$`sort`);
  t.is(output.stdout, 'a\nb\n');
});

test('pipe into a template, twice', async (t) => {
  const { $ } = await inside();
  t.is(await $`printf 'b\na\nb\n'`.pipe`sort`.pipe`uniq -c | tr -d ' '`.text(), '1a\n2b\n');
});

test('a pipe carries every byte of much more than fits into a buffer', async (t) => {
  const { $ } = await inside();
  t.is((await $`head -c 20000000 /dev/zero`.pipe`wc -c`.text()).trim(), '20000000');
});

test('a slow reader holds the writer back', async (t) => {
  const { $, running } = await inside();
  let taken = 0;
  const writer = $`yes`;
  const reader = $({ input: slow(writer, () => taken++) })`head -c 1000 >/dev/null`;
  await reader;
  t.is((await writer).signal, 'SIGPIPE');
  // What pipes and sockets hold on the way is some thousand lines; without a brake it would be as many as `yes` can write.
  t.true(taken < 10_000, `${taken} lines were taken for 1000 bytes`);
  t.is(running.size, 0);
});

async function* slow(lines: AsyncIterable<string>, onLine: () => void): AsyncGenerator<string> {
  for await (const line of lines) {
    onLine();
    yield `${line}`.repeat(100);
    if (line === '') return;
  }
}

test('a reader that has enough ends the writer, and that is no failure', async (t) => {
  const { $, running } = await inside();
  t.is(await $`yes`.pipe`head -n 2`.text(), 'y\ny\n');
  t.is(running.size, 0);
});

test('a pipeline fails when its first part does', async (t) => {
  const { $ } = await inside();
  const error = await t.throwsAsync(async () => $`echo x; exit 9`.pipe`cat`, { instanceOf: ExitError });
  t.is(error?.exitCode, 9);
  t.is((await $`echo x; exit 9`.pipe`cat`.nothrow()).stdout, 'x\n');
});

test('pipe stderr, or both', async (t) => {
  const { $ } = await inside();
  t.is(await $`echo out; echo err >&2`.pipe($`cat`, 'stderr').text(), 'err\n');
  t.is(await $`echo out; echo err >&2`.pipe($`sort`, 'stdall').text(), 'err\nout\n');
});

test('pipe into a file of this machine and into a stream', async (t) => {
  const { $ } = await inside();
  const folder = await mkdtemp(join(tmpdir(), 'sdk-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await $`echo kept`.pipe(join(folder, 'out'));
  t.is(await readFile(join(folder, 'out'), 'utf8'), 'kept\n');
  const stream = new PassThrough();
  const output = await $`echo streamed`.pipe(stream);
  t.is(output.exitCode, 0);
  t.is(String(stream.read()), 'streamed\n');
});

test('a pipe into a command that has started is refused', async (t) => {
  const { $ } = await inside();
  const late = $`cat`;
  await late;
  const error = t.throws(() => $`echo x`.nothrow().pipe(late), { instanceOf: CoreError });
  t.true(isCoreError(error, 'E_STATE'));
});

test('a reader that comes late gets the output from its beginning', async (t) => {
  const { $ } = await inside();
  const command = $`echo a; echo b`;
  await command;
  const seen: string[] = [];
  for await (const line of command) seen.push(line);
  t.deepEqual(seen, ['a', 'b']);
});
