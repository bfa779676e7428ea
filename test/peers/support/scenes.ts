/** What every engine is asked for in the same words. Comes in: shell scripts' intent. Goes out: the scripts, and waiting for what they say. Called by the tests beside it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { groupValue, insideValue } from '../../helpers/cgroup.js';
import type { Answer } from './peer.js';

/** Says so, and ends with 9 when it is asked to end: the first process of a pid namespace hears no signal it has no handler for. */
export const OBEDIENT = 'trap "exit 9" TERM; echo started; while :; do sleep 0.05; done';

/** A client tells the size of its terminal once the container runs. */
export const TERMINAL = 'tty; until stty size | grep -q "[1-9] "; do sleep 0.05; done 2>/dev/null; stty size; exit 5';

const PATIENCE_MS = 20_000;

/** The last answer, once it fits or patience has ended. */
export async function eventually(ask: () => string, fits: (answer: string) => boolean): Promise<string> {
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(50)) {
    const answer = ask();
    if (fits(answer) || Date.now() > end) return answer;
  }
}

interface Engine {
  readonly run: (args: readonly string[]) => Answer;
  readonly call: (args: readonly string[]) => Answer;
  readonly inspect: (container: string, field: string) => string;
}

/** Limits from both sides, and what can be done to a container that runs. `usage`: how the engine's `stats` shows 64 MiB and one process. */
export function limits(t: ExecutionContext, { run, call, inspect }: Engine, { image, usage, update }: { readonly image: string; readonly usage: RegExp; readonly update: readonly string[] }): void {
  t.is(run(['--detach', '--name=box', '--memory=64m', '--pids-limit=50', image, 'sleep', '1000']).status, 0);
  const pid = Number(inspect('box', '.State.Pid'));
  const memory = { v1: 'memory.limit_in_bytes', v2: 'memory.max' };
  t.is(groupValue(pid, 'memory', memory), String(64 << 20));
  t.is(groupValue(pid, 'pids', { v1: 'pids.max', v2: 'pids.max' }), '50');
  t.is(call(['exec', 'box', 'sh', '-c', insideValue('memory', memory)]).stdout, `${64 << 20}\n`);
  t.is(call(['pause', 'box']).status, 0);
  t.is(inspect('box', '.State.Status'), 'paused');
  t.is(call(['unpause', 'box']).status, 0);
  t.regex(call(['stats', '--no-stream', '--format', '{{.MemUsage}} {{.PIDs}}', 'box']).stdout, usage);
  t.is(call(['update', ...update, 'box']).status, 0);
  t.is(groupValue(pid, 'memory', memory), String(80 << 20));
}
