/** `core oci`: the words behind it go to the OCI runtime of the installed runtime plugin, as they are. Comes out: its exit code. Called by `main.ts`. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command as Program } from 'commander';
import type { CliCommand } from '../define.js';
import { CoreError } from '../../errors/index.js';

const oci: CliCommand = {
  program: (name, summary) => new Program(`core ${name}`)
    .description(`${summary}.\n\nThe commands are those of runc: \`core oci create --help\` shows the options of one.`)
    .usage('[OPTIONS] COMMAND [ARGS]')
    .helpOption('-h, --help', 'show this help'),
  run: async ({ name, summary, argv }) => {
    if (argv.length === 0 || argv[0] === '--help' || argv[0] === '-h') {
      oci.program(name, summary).outputHelp();
      return 0;
    }
    return runOci(argv);
  },
};

export default oci;

/** Found by name when it is wanted: the core knows no plugin. */
async function runOci(argv: readonly string[]): Promise<number> {
  const { default: command } = (await import(pathToFileURL(findCommand()).href)) as { default: { load(): { main: (argv: readonly string[]) => Promise<number> } } };
  return command.load().main([process.execPath, 'core-oci', ...argv]);
}

function findCommand(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('@core/runtime-linux')), '..', 'bin', 'core-oci.cjs');
  } catch (thrown) {
    throw new CoreError('E_UNPROVIDED', { message: 'no OCI runtime is installed', hint: 'npm install @core/runtime-linux', cause: thrown });
  }
}
