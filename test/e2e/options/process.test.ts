/** What becomes of the options that shape the first process, seen from inside and from the machine. */
import { statSync, readFileSync, readlinkSync } from 'node:fs';
import { e2e } from '../../helpers/e2e.js';
import { onDebian, optionsImage } from '../../helpers/images.js';
import { optionCases } from '../../helpers/option-case.js';
import { commandOf, environmentOf, limitOf, statusField } from '../../helpers/proc.js';

/** A plain tree has no config. */
const imageFolder = onDebian ? '/' : '/var/data';

optionCases({
  'env: added to the image\'s, a later value wins': {
    options: { env: { FROM_IMAGE: 'changed', MINE: 'a b=c' } },
    script: 'echo "$FROM_IMAGE|$MINE|$PATH"',
    inside: `changed|a b=c|${onDebian ? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' : '/bin'}`,
    outside: (t, { pid }) => {
      const env = environmentOf(pid);
      t.true(env.includes('MINE=a b=c'));
      t.is(env.filter((line) => line.startsWith('FROM_IMAGE=')).length, 1, 'no name twice');
    },
  },
  'cwd: the image\'s by default': {
    options: {},
    script: 'pwd',
    inside: imageFolder,
    outside: (t, { pid }) => t.is(statSync(`/proc/${pid}/cwd`).ino, statSync(`/proc/${pid}/root${imageFolder}`).ino),
  },
  'cwd: made when it is missing': {
    options: { cwd: '/made/for/it' },
    script: 'pwd',
    inside: '/made/for/it',
    outside: (t, { pid }) => t.is(statSync(`/proc/${pid}/cwd`).ino, statSync(`/proc/${pid}/root/made/for/it`).ino),
  },
  'umask: octal 027': {
    options: { umask: 0o027 },
    script: 'umask; touch /tmp/f; stat -c %a /tmp/f',
    inside: '0027\n640',
    outside: (t, { pid }) => t.is(statusField(pid, 'Umask'), '0027'),
  },
  'oomScoreAdj': {
    options: { oomScoreAdj: 321 },
    script: 'cat /proc/self/oom_score_adj',
    inside: '321',
    outside: (t, { pid }) => t.is(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim(), '321'),
  },
  'rlimits: a number for both, or soft and hard': {
    options: { rlimits: { nofile: { soft: 100, hard: 200 }, core: 0 } },
    script: 'ulimit -S -n; ulimit -H -n; ulimit -c',
    inside: '100\n200\n0',
    outside: (t, { pid }) => {
      t.deepEqual(limitOf(pid, 'Max open files'), ['100', '200']);
      t.deepEqual(limitOf(pid, 'Max core file size'), ['0', '0']);
    },
  },
  'terminal: a pty of the container\'s own devpts': {
    options: { terminal: true },
    script: 'tty; test -t 0 && test -t 1 && test -c /dev/console && echo yes',
    inside: /^\/dev\/(console|pts\/0)\r?\nyes\r?$/,
    outside: (t, { pid }) => t.regex(readlinkSync(`/proc/${pid}/fd/0`), /^\/(dev\/)?(pts\/)?(console|0)$/),
  },
  'terminal: none by default, and stdin is /dev/null': {
    options: {},
    script: 'tty; readlink /proc/self/fd/0',
    inside: 'not a tty\n/dev/null',
    outside: (t, { pid }) => t.is(readlinkSync(`/proc/${pid}/fd/0`), '/dev/null'),
  },
  'init: pid 1 is not the command, and it reaps orphans': {
    options: { init: true },
    script: 'echo $$; probe orphan; sleep 0.3; ps -o stat= | grep -c Z',
    inside: /^(?!1\n)\d+\nok\n0$/,
    outside: async (t, { pid, sh }) => {
      t.false(commandOf(pid).includes('sleep'), 'the host pid is the init\'s');
      t.not((await sh('readlink /proc/1/exe')).out, '/bin/busybox');
    },
    ...(process.env['CORE_EXECUTOR'] && { unless: 'an executor with sanitizers is dynamically linked, and so cannot be the init inside' }),
  },
  'init: without it the command is pid 1': {
    options: {},
    script: 'echo $$',
    inside: '1',
    outside: (t, { pid }) => t.deepEqual(commandOf(pid), ['sleep', '1000']),
  },
});

e2e('stdin: attach feeds it', async (t, { engine }) => {
  const { id } = await engine.containers.run({ image: optionsImage(), command: ['cat'], stdin: true });
  const input = (async function* () {
    yield Buffer.from('first\n');
    yield Buffer.from('second\n');
  })();
  let out = '';
  for await (const event of engine.containers.attach({ container: id, stdin: true }, { input })) {
    if (event.type === 'stdout') out += Buffer.from(event.data).toString();
    if (out.includes('second\n')) break;
  }
  t.is(out, 'first\nsecond\n');
});

const commands: Record<string, [Parameters<typeof commandCase>[0], string]> = {
  'command replaces the image\'s Cmd': [{ command: ['echo', 'a b', '$HOME'] }, 'a b $HOME'],
  'entrypoint takes the command as its arguments': [{ entrypoint: ['echo', 'entry'], command: ['and', 'command'] }, 'entry and command'],
  'an entrypoint of one\'s own drops the image\'s Cmd': [{ entrypoint: ['echo', 'alone'] }, 'alone'],
  'an empty entrypoint removes it': [{ entrypoint: [], command: ['echo', 'plain'] }, 'plain'],
};

function commandCase(options: { command?: string[]; entrypoint?: string[] }, expected: string, title: string): void {
  e2e(title, async (t, stage) => {
    const { out, info, code } = await stage.through(options);
    t.is(out, expected, 'from inside');
    t.is(code, 0);
    t.deepEqual(info.command, [...(options.entrypoint ?? []), ...(options.command ?? [])], 'from outside');
  });
}
for (const [title, [options, expected]] of Object.entries(commands)) commandCase(options, expected, `command: ${title}`);

const failures: Record<string, { command: string[]; user?: string; code: string }> = {
  'a command that does not exist': { command: ['/no/such/thing'], code: 'E_COMMAND' },
  'a command that is not executable': { command: ['/etc/passwd'], code: 'E_COMMAND' },
  'a command that PATH does not have': { command: ['no-such-thing'], code: 'E_COMMAND' },
  'a user nobody knows': { command: ['true'], user: 'nobody-knows', code: 'E_SETUP' },
};

for (const [title, { code, ...options }] of Object.entries(failures)) {
  e2e(`command: ${title} is ${code}, and nothing is left`, async (t, stage) => {
    const error = await t.throwsAsync(stage.through(options));
    t.is((error as { code?: string } | undefined)?.code, code, error?.message);
    t.deepEqual(await stage.engine.containers.list({ all: true }), []);
  });
}
