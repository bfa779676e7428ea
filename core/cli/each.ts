/** Comes in: containers named on the command line and one operation. Goes out: a line per container, the errors of those that failed, and an exit code. Used by the verbs that take several. */
import type { Engine } from '../contracts/index.js';
import { toCoreError } from '../errors/index.js';
import type { Cli } from './cli.js';
import { explain, exitCodeOf } from './fail.js';

/** All at once; one that fails does not keep the others from being done. With `--json`: `[{ name, result? , error? }]`. */
export async function forEach(cli: Cli, names: readonly string[], operation: (engine: Engine, name: string) => Promise<unknown>): Promise<number> {
  const engine = await cli.engine();
  const outcomes = await Promise.all(
    names.map(async (name) => {
      try {
        return { name, result: (await operation(engine, name)) ?? null };
      } catch (error) {
        return { name, error: toCoreError(error) };
      }
    }),
  );
  cli.print(outcomes, outcomes.flatMap((outcome) => ('error' in outcome ? [] : [outcome.name])).join('\n'));
  const failures = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []));
  if (!cli.json) for (const failure of failures) process.stderr.write(explain(failure));
  return failures[0] ? exitCodeOf(failures[0]) : 0;
}
