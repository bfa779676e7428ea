/** Comes in: the `Progress` of any operation. Goes out: one line per thing worked on, redrawn in place on stderr; nothing when that is no terminal. Used wherever an operation may take long. */
import type { Progress } from '../contracts/index.js';
import { formatBytes, printable, shortId, shorten } from './format.js';

export interface ProgressDisplay {
  readonly onProgress: (progress: Progress) => void;
  /** Leaves the last state on the screen; what comes later is drawn below. Idempotent. */
  close(): void;
}

export interface ProgressTarget {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const BAR = 24;
const REDRAW_MS = 60;

export function showProgress(target: ProgressTarget = process.stderr): ProgressDisplay {
  if (!target.isTTY) return { onProgress: () => {}, close: () => {} };
  const rows = new Map<string, Progress>();
  let drawn = 0;
  let timer: NodeJS.Timeout | undefined;

  function draw(): void {
    timer = undefined;
    const lines = [...rows.values()].map((row) => `${shorten(renderRow(row), (target.columns ?? 80) - 1)}\x1b[K\n`);
    target.write(`${drawn > 0 ? `\x1b[${drawn}A` : ''}${lines.join('')}`);
    drawn = lines.length;
  }

  return {
    onProgress: (progress) => {
      rows.set(progress.id, progress);
      timer ??= setTimeout(draw, REDRAW_MS);
    },
    close: () => {
      if (timer !== undefined) {
        clearTimeout(timer);
        draw();
      }
      rows.clear();
      drawn = 0;
    },
  };
}

/** `2f1a…  unpack  [=====>    ]  12MiB / 40MiB`. Without a total there is no bar. */
export function renderRow({ id, phase, current, total, unit, done }: Progress): string {
  const amount = (value: number): string => (unit === 'bytes' ? formatBytes(value) : String(value));
  const head = `${shorten(printable(shortId(id)), 24).padEnd(24)} ${printable(phase).padEnd(10)}`;
  if (done) return `${head} done`;
  if (current === undefined) return head.trimEnd();
  if (!total) return `${head} ${amount(current)}`;
  const filled = Math.min(BAR, Math.floor((current / total) * BAR));
  const bar = `${'='.repeat(filled)}${filled < BAR ? '>' : ''}`.padEnd(BAR).slice(0, BAR);
  return `${head} [${bar}] ${amount(current)} / ${amount(total)}`;
}
