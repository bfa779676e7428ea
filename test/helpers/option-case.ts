/** One row per option: what is asked, what a program inside sees, what the machine sees. Comes in: a table. Goes out: one test per row. Called by test/e2e/options. */
import type { ExecutionContext } from 'ava';
import type { ContainerOptions } from '@core/core/plugin';
import { e2e, type E2eNeeds } from './e2e.js';
import type { Box, Stage } from './stage.js';

export interface OptionCase extends E2eNeeds {
  readonly options: Partial<ContainerOptions>;
  /** A shell script; what it prints is `inside`'s to judge. */
  readonly script: string;
  /** The exact output, a pattern, or a judge. */
  readonly inside: string | RegExp | ((t: ExecutionContext, said: string) => void);
  /** Looks from the machine while the container runs. */
  outside(t: ExecutionContext, box: Box, stage: Stage): unknown;
}

export function optionCases(cases: Readonly<Record<string, OptionCase>>): void {
  for (const [title, { options, script, inside, outside, ...needs }] of Object.entries(cases)) {
    e2e(title, async (t, stage) => {
      const box = await stage.up(options, script);
      if (typeof inside === 'string') t.is(box.said, inside, 'from inside');
      else if (inside instanceof RegExp) t.regex(box.said, inside, 'from inside');
      else inside(t, box.said);
      await outside(t, box, stage);
    }, needs);
  }
}
