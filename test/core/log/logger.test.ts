/** The logger: one line per record, levels, facts that stick. */
import test from 'ava';
import { CoreError } from '#core/errors/index.js';
import { createLogger, prettyLines, silentLogger } from '#core/log/index.js';

test('a record is one JSON line; facts of the child stand in each', (t) => {
  const lines: string[] = [];
  const log = createLogger({ write: (line) => lines.push(line) }).child({ plugin: 'runtime-linux' });
  log.info('up');
  log.warn({ id: 'web', ms: 12 }, 'slow\nstart');
  t.true(lines.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1));
  const [up, slow] = lines.map((line) => JSON.parse(line));
  t.deepEqual({ ...up, time: 0 }, { level: 'info', time: 0, msg: 'up', plugin: 'runtime-linux' });
  t.deepEqual({ ...slow, time: 0 }, { level: 'warn', time: 0, msg: 'slow\nstart', plugin: 'runtime-linux', id: 'web', ms: 12 });
});

test('what lies below the level is not written, in children neither', (t) => {
  const lines: string[] = [];
  const log = createLogger({ level: 'warn', write: (line) => lines.push(line) });
  for (const level of ['trace', 'debug', 'info', 'warn', 'error'] as const) log.child({}).child({})[level](level);
  t.deepEqual(lines.map((line) => JSON.parse(line).level), ['warn', 'error']);
  t.notThrows(() => silentLogger.error({ err: new Error('x') }, 'nobody hears it'));
});

test('errors keep their facts', (t) => {
  const lines: string[] = [];
  const log = createLogger({ write: (line) => lines.push(line) });
  log.error({ err: new CoreError('E_IO', { message: 'disk full', errno: 'ENOSPC', cause: new Error('write') }) }, 'failed');
  log.error({ err: new TypeError('plain') }, 'failed');
  const [own, plain] = lines.map((line) => JSON.parse(line).err);
  t.like(own, { code: 'E_IO', message: 'disk full', errno: 'ENOSPC', cause: { message: 'write' } });
  t.is(plain.message, 'plain');
  t.regex(plain.stack, /logger\.test/);
});

test('for the eye', (t) => {
  const lines: string[] = [];
  const log = createLogger({ format: prettyLines, write: (line) => lines.push(line) }).child({ plugin: 'runtime-linux' });
  log.warn({ id: 'web', err: new CoreError('E_TIMEOUT', { message: 'too slow' }) }, 'stop');
  t.regex(lines[0] ?? '', /^\d\d:\d\d:\d\d  warn {3}runtime-linux  stop  id=web  E_TIMEOUT: too slow\n$/);
});
