/** Cases of `runtime@1`: logs, exec, attach. Part of `runtime.ts`. */
import assert from 'node:assert/strict';
import type { CallOptions, ExecRequest, ProcessEvent, Runtime } from '../contracts/index.js';
import { collect, eventually, keyboard, rejects } from './check.js';
import type { RuntimeSubject } from './runtime.js';

type Cases = Readonly<Record<string, (subject: RuntimeSubject) => Promise<void>>>;

const SLEEP = ['sleep', '1000'] as const;

export const outputCases: Cases = {
  'the log has both streams, line by line, and stays after the end': async (subject) => {
    await finished(subject, 'log', 'echo one; echo two >&2; echo three');
    const entries = await collect(subject.port.logs({ id: 'log' }));
    assert.deepEqual(entries.filter(({ stream }) => stream === 'stdout').map(({ line }) => line), ['one', 'three']);
    assert.deepEqual(entries.filter(({ stream }) => stream === 'stderr').map(({ line }) => line), ['two']);
    assert.ok(entries.every(({ partial }) => !partial));
    for (const { time } of entries) assert.ok(Number.isFinite(Date.parse(time)), `${time} is a time`);
  },

  'a last line without a newline is there, marked as partial': async (subject) => {
    await finished(subject, 'part', "printf 'whole\\nrest'");
    const entries = await collect(subject.port.logs({ id: 'part' }));
    assert.deepEqual(entries.map(({ line, partial }) => [line, partial]), [['whole', false], ['rest', true]]);
  },

  'tail, since and until choose lines': async (subject) => {
    await finished(subject, 'tail', 'echo 1; echo 2; echo 3');
    const lines = async (request: object): Promise<string[]> => (await collect(subject.port.logs({ id: 'tail', ...request }))).map(({ line }) => line);
    assert.deepEqual(await lines({ tail: 2 }), ['2', '3']);
    assert.deepEqual(await lines({ tail: 0 }), []);
    assert.deepEqual(await lines({ since: Date.now() + 60_000 }), []);
    assert.deepEqual(await lines({ until: Date.now() - 60_000 }), []);
    assert.deepEqual(await lines({ since: 0, until: Date.now() + 60_000 }), ['1', '2', '3']);
  },

  'following a log ends with the container': async ({ port, request }) => {
    await port.create(request('follow', ['sh', '-c', 'echo first; sleep 0.2; echo last']));
    await port.start({ id: 'follow' });
    const entries = await collect(port.logs({ id: 'follow', follow: true }));
    assert.deepEqual(entries.map(({ line }) => line), ['first', 'last']);
  },

  'following a log can be left, or aborted': async ({ port, request }) => {
    await port.create(request('leave', ['sh', '-c', 'echo first; sleep 1000']));
    await port.start({ id: 'leave' });
    for await (const { line } of port.logs({ id: 'leave', follow: true })) {
      assert.equal(line, 'first');
      break;
    }
    const controller = new AbortController();
    const following = collect(port.logs({ id: 'leave', follow: true }, { signal: controller.signal }));
    setTimeout(() => controller.abort(), 20);
    await rejects(following, 'E_ABORTED');
    await rejects(port.logs({ id: 'nobody' }), 'E_NOT_FOUND');
  },

  'an exec tells its start, its output by stream, and its exit last': async (subject) => {
    await running(subject, 'exec');
    const seen = await execute(subject.port, { id: 'exec', args: ['sh', '-c', 'echo out; echo err >&2; exit 7'] });
    assert.equal(seen.events[0]?.type, 'started');
    assert.deepEqual([seen.stdout, seen.stderr], ['out\n', 'err\n']);
    assert.deepEqual(seen.exit, { type: 'exit', exitCode: 7 });
    assert.equal((await subject.port.status({ id: 'exec' })).state, 'running');
  },

  'an exec sees the environment of the container and its own': async (subject) => {
    await running(subject, 'env', ['FROM=container', 'OVER=old']);
    const { stdout } = await execute(subject.port, { id: 'env', args: ['env'], env: ['MORE=exec', 'OVER=new'] });
    const lines = stdout.split('\n');
    for (const line of ['FROM=container', 'MORE=exec', 'OVER=new']) assert.ok(lines.includes(line), `${line} is missing`);
    assert.equal(lines.filter((line) => line.startsWith('OVER=')).at(-1), 'OVER=new');
  },

  'an exec reads stdin to its end': async (subject) => {
    await running(subject, 'stdin');
    const { input, type, end } = keyboard();
    type('hello ');
    const work = execute(subject.port, { id: 'stdin', args: ['cat'], stdin: true }, { input });
    type('world');
    end();
    const { stdout, exit } = await work;
    assert.deepEqual([stdout, exit], ['hello world', { type: 'exit', exitCode: 0 }]);
  },

  'an exec without stdin reads nothing': async (subject) => {
    await running(subject, 'nostdin');
    assert.deepEqual((await execute(subject.port, { id: 'nostdin', args: ['cat'] })).exit, { type: 'exit', exitCode: 0 });
  },

  'a megabyte through an exec arrives whole': async (subject) => {
    await running(subject, 'bulk');
    async function* input(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 16; i++) yield Buffer.alloc(65_536, String.fromCharCode(97 + i));
    }
    const { stdout } = await execute(subject.port, { id: 'bulk', args: ['cat'], stdin: true }, { input: input() });
    assert.equal(stdout.length, 16 * 65_536);
    assert.ok([...Array(16).keys()].every((i) => stdout[i * 65_536] === String.fromCharCode(97 + i)));
  },

  'an exec of what is not there, or into what does not run, is refused': async (subject) => {
    const { port, request } = subject;
    await port.create(request('still', SLEEP));
    await rejects(port.exec({ id: 'still', args: ['true'] }), 'E_STATE');
    await rejects(port.exec({ id: 'nobody', args: ['true'] }), 'E_NOT_FOUND');
    await port.start({ id: 'still' });
    await rejects(port.exec({ id: 'still', args: ['/no/such/command'] }), 'E_COMMAND');
    assert.deepEqual((await execute(port, { id: 'still', args: ['sh', '-c', 'exit 0'] })).exit, { type: 'exit', exitCode: 0 });
  },

  'leaving an exec ends its process; with detach it runs on': async (subject) => {
    const { port } = subject;
    await running(subject, 'left');
    for await (const event of port.exec({ id: 'left', args: SLEEP })) if (event.type === 'started') break;
    await eventually(async () => (await port.processes({ id: 'left' })).length === 1, 'the process is gone');
    for await (const event of port.exec({ id: 'left', args: SLEEP, detach: true })) if (event.type === 'started') break;
    assert.equal((await port.processes({ id: 'left' })).length, 2);
  },

  'an exec can be signalled by its id': async (subject) => {
    const { port } = subject;
    await running(subject, 'sig');
    const events = port.exec({ id: 'sig', execId: 'mine', args: SLEEP });
    let last: ProcessEvent | undefined;
    for await (const event of events) {
      if (event.type === 'started') {
        assert.equal(event.execId, 'mine');
        await port.signal({ id: 'sig', execId: 'mine', signal: 'SIGKILL' });
      }
      last = event;
    }
    assert.deepEqual(last, { type: 'exit', exitCode: 137, signal: 'SIGKILL' });
    assert.equal((await port.status({ id: 'sig' })).state, 'running');
  },

  'attach feeds stdin and gives the output, the exit last': async ({ port, request }) => {
    await port.create(request('attach', ['cat'], { stdin: true }));
    await port.start({ id: 'attach' });
    const { input, type } = keyboard();
    const events = port.attach({ id: 'attach', stdin: true }, { input })[Symbol.asyncIterator]();
    type('ping\n');
    const first = (await events.next()).value as ProcessEvent;
    assert.ok(first.type === 'stdout');
    assert.equal(Buffer.from(first.data).toString(), 'ping\n');
    await port.signal({ id: 'attach', signal: 'SIGKILL' });
    const rest: ProcessEvent[] = [];
    for (let item = await events.next(); item.done !== true; item = await events.next()) rest.push(item.value);
    assert.deepEqual(rest.at(-1), { type: 'exit', exitCode: 137, signal: 'SIGKILL' });
    await rejects(port.attach({ id: 'nobody' }), 'E_NOT_FOUND');
  },
};

async function running({ port, request }: RuntimeSubject, id: string, env?: readonly string[]): Promise<void> {
  await port.create(request(id, SLEEP, { env }));
  await port.start({ id });
}

async function finished({ port, request }: RuntimeSubject, id: string, script: string): Promise<void> {
  await port.create(request(id, ['sh', '-c', script]));
  await port.start({ id });
  await port.wait({ id });
}

interface Executed {
  readonly events: readonly ProcessEvent[];
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: ProcessEvent | undefined;
}

async function execute(port: Runtime, request: ExecRequest, call?: CallOptions): Promise<Executed> {
  const events = await collect(port.exec(request, call));
  const text = (stream: 'stdout' | 'stderr'): string =>
    Buffer.concat(events.flatMap((event) => (event.type === stream && 'data' in event ? [event.data] : []))).toString();
  const last = events.at(-1);
  const exit = last?.type === 'exit' && last.signal === undefined ? ({ type: 'exit', exitCode: last.exitCode } as const) : last;
  return { events, stdout: text('stdout'), stderr: text('stderr'), exit };
}
