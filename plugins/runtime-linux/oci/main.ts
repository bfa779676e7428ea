/** The command `core-oci`. Comes in: argv. Goes out: the exit code; what failed is told in the log and on stderr. Called by `bin/core-oci.cjs`. */
import { CommanderError } from 'commander';
import { OciFailure } from './failure.js';
import { writeLog } from './log.js';
import { buildProgram, globalsOf, type Outcome } from './program.js';

export async function main(argv: readonly string[]): Promise<number> {
  const outcome: Outcome = { exitCode: 0 };
  const program = buildProgram(outcome);
  try {
    await program.parseAsync(argv);
    return outcome.exitCode;
  } catch (thrown) {
    // Help and the version: said already.
    if (thrown instanceof CommanderError && (thrown.exitCode === 0 || thrown.code === 'commander.help')) return thrown.exitCode;
    writeLog(globalsOf(program), 'error', (thrown instanceof Error ? thrown.message : String(thrown)).replace(/^error: /, ''));
    return thrown instanceof OciFailure ? thrown.exitCode : 1;
  }
}

/** For the build, see there. */
export const rehearsal = (): Promise<typeof import('./rehearsal.js')> => import('./rehearsal.js');
