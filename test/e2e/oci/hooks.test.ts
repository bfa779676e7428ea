/** The order of hooks, what they are told, and what their failure does. Needs root and a static busybox. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Hook, HookPoint } from '#runtime-linux/oci/config.js';
import { oci, type Stage } from './command.js';

const POINTS: readonly HookPoint[] = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'];

/** A shell script that gets the file to write to as $0. */
function script(stage: Stage, text: string): Hook {
  return { path: '/bin/sh', args: ['sh', '-c', text, join(stage.base, 'made-hooks')], env: ['PATH=/bin:/usr/bin'] };
}

function configure(stage: Stage, args: readonly string[], hooks: Partial<Record<HookPoint, Hook[]>>): void {
  stage.configure(args, (config) => ({ ...config, annotations: { note: 'here' }, hooks }));
}

oci('oci: hooks come in the order of the specification, with the state on stdin', (t, stage) => {
  const all = POINTS.map((point) => [point, [script(stage, `printf '%s ' ${point} >>$0; cat >>$0; echo >>$0`)]] as const);
  configure(stage, ['echo', 'command'], { ...Object.fromEntries(all), startContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'exit 0'] }] });
  t.like(stage.call(['run', stage.id]), { status: 0, stdout: 'command\n' });
  const lines = stage.read('made-hooks').trim().split('\n').map((line) => line.split(/ (.*)/s));
  t.deepEqual(lines.map(([point]) => point), [...POINTS]);
  const states = lines.map(([, json]) => JSON.parse(json as string) as { status: string; id: string; pid?: number; annotations: unknown });
  t.deepEqual(states.map(({ status }) => status), ['created', 'created', 'created', 'running', 'stopped']);
  for (const { id, annotations } of states) t.deepEqual({ id, annotations }, { id: stage.id, annotations: { note: 'here' } });
  t.true((states[0]?.pid ?? 0) > 1);
});

for (const point of ['prestart', 'createRuntime', 'createContainer'] as const) {
  oci(`oci: a ${point} hook that fails ends the creation, and leaves nothing`, (t, stage) => {
    configure(stage, ['echo', 'command'], { [point]: [script(stage, 'echo why >&2; exit 5')] });
    const answer = stage.call(['create', stage.id]);
    t.is(answer.status, 1);
    t.regex(answer.stderr, /exit status 5.*why/);
    t.deepEqual(readdirSync(stage.root), []);
  });
}

oci('oci: a poststop hook that fails is told, and changes nothing', (t, stage) => {
  configure(stage, ['echo', 'command'], { poststop: [script(stage, 'exit 6'), script(stage, 'echo second >>$0')] });
  const answer = stage.call(['run', stage.id]);
  t.like(answer, { status: 0, stdout: 'command\n' });
  t.regex(answer.stderr, /level=warning msg="poststop hook #0: exit status 6/);
  t.is(stage.read('made-hooks'), 'second\n');
});

oci('oci: a poststart hook that fails ends the container', (t, stage) => {
  configure(stage, ['sleep', '60'], { poststart: [script(stage, 'exit 5')], poststop: [script(stage, 'echo stopped >>$0')] });
  t.is(stage.call(['create', stage.id]).status, 0);
  const answer = stage.call(['start', stage.id]);
  t.is(answer.status, 1);
  t.regex(answer.stderr, /error running poststart hook #0: exit status 5/);
  t.deepEqual(readdirSync(stage.root), []);
  t.is(stage.read('made-hooks'), 'stopped\n');
});

oci('oci: a hook that outlasts its time is ended', (t, stage) => {
  configure(stage, ['echo', 'command'], { createRuntime: [{ ...script(stage, 'sleep 50'), timeout: 1 }] });
  const answer = stage.call(['create', stage.id]);
  t.is(answer.status, 1);
  t.regex(answer.stderr, /hook ran past specified timeout of 1s/);
});

oci('oci: a startContainer hook runs in the container, behind start', (t, stage) => {
  const inside = { path: '/bin/sh', args: ['sh', '-c', 'cat >/made; cat /proc/self/comm >>/made'] };
  configure(stage, ['sleep', '60'], { startContainer: [inside] });
  t.is(stage.call(['create', stage.id]).status, 0);
  const made = join(stage.bundle, 'rootfs', 'made');
  t.false(existsSync(made));
  const started = stage.call(['start', stage.id]);
  t.is(started.status, 0, started.stderr);
  const text = readFileSync(made, 'utf8');
  const [state, comm] = [text.slice(0, text.lastIndexOf('}') + 1), text.slice(text.lastIndexOf('}') + 1)];
  t.like(JSON.parse(state), { status: 'created', id: stage.id, pid: 1, annotations: { note: 'here' } });
  t.is(comm, 'cat\n');
});

oci('oci: a startContainer hook that fails ends the start, with the words', (t, stage) => {
  configure(stage, ['sleep', '60'], { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'echo why >&2; exit 4'] }] });
  t.is(stage.call(['create', stage.id]).status, 0);
  const answer = stage.call(['start', stage.id]);
  t.is(answer.status, 1);
  t.regex(answer.stderr, /exit status 4.*why/);
  t.is(stage.state()['status'], 'stopped');
});

oci('oci: a createContainer hook finds the mounts below the bundle, the machine none', (t, stage) => {
  const proc = join(stage.bundle, 'rootfs', 'proc', 'self', 'status');
  configure(stage, ['echo', 'command'], { createRuntime: [script(stage, `test -e ${proc} || echo none >>$0`)], createContainer: [script(stage, `test -e ${proc} && echo mounted >>$0`)] });
  t.like(stage.call(['run', stage.id]), { status: 0, stdout: 'command\n' });
  t.is(stage.read('made-hooks'), 'none\nmounted\n');
});
