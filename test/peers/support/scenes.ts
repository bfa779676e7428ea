/** What every engine is asked for in the same words. Comes in: shell scripts' intent. Goes out: the scripts, and waiting for what they say. Called by the tests beside it. */
import { setTimeout as sleep } from 'node:timers/promises';

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
