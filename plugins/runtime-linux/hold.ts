/** Keeps Node alive while something is awaited that only the executor can tell. Comes in: work. Goes out: the same, held. Made once by `driver.ts`. */
import type { Context } from './context.js';

/** Node ends when nothing is pending; to wait for a container is something. */
export function makeHold(): Context['hold'] {
  const LONG = 2 ** 30;
  let count = 0;
  let timer: NodeJS.Timeout | undefined;
  return async (work) => {
    count += 1;
    timer ??= setInterval(() => {}, LONG);
    try {
      return await work;
    } finally {
      count -= 1;
      if (count === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    }
  };
}
