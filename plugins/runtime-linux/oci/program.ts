/** The command line, as runc and crun have it. Comes in: nothing. Goes out: a program whose commands are loaded when they are called. Called by `main.ts`. */
import { Command, Option } from 'commander';
import { count } from './flags.js';
import type { DeleteOptions } from './delete.js';
import type { Globals } from './globals.js';
import type { LaunchOptions } from './launch.js';
import { addCommands } from './more-commands.js';
import type { RunOptions } from './run.js';
import { defaultRoot } from './state.js';

export interface Outcome {
  exitCode: number;
}

/** `outcome` hears the status of a process that was waited for. */
export function buildProgram(outcome: Outcome): Command {
  const program = new Command('core-oci').description('An OCI runtime').version(VERSION, '-v, --version');
  program
    .option('--root <folder>', 'where the state of containers is kept', defaultRoot())
    .option('--log <file>', 'where errors are written to, besides stderr')
    .addOption(new Option('--log-format <format>', 'how').choices(['text', 'json']).default('text'))
    .option('--systemd-cgroup', 'cgroupsPath is written slice:prefix:name', false)
    .option('--cgroup-manager <name>', 'for callers of crun')
    .option('--rootless <value>', 'for callers of runc')
    .option('--debug', 'for callers of runc', false)
    .exitOverride()
    // Said by `main.ts`, in the log too.
    .configureOutput({ outputError: () => {} })
    .enablePositionalOptions();
  const globals = (): Globals => globalsOf(program);
  addLifecycle(program, globals, outcome);
  addCommands(program, { globals, outcome });
  return program;
}

const VERSION = 'core-oci version 0.1.0\nspec: 1.2.1';

export function globalsOf(program: Command): Globals {
  const { root, log, logFormat, systemdCgroup, cgroupManager } = program.opts<Globals & { cgroupManager?: string }>();
  return { root, log, logFormat, systemdCgroup: systemdCgroup || cgroupManager === 'systemd' };
}

function launchFlags(command: Command): Command {
  return command
    .option('-b, --bundle <folder>', 'the bundle', '.')
    .option('-f, --config <file>', 'another configuration than config.json')
    .option('--console-socket <path>', 'a unix socket that takes the terminal')
    .option('--pid-file <file>', 'where the pid is written to')
    .option('--preserve-fds <count>', 'how many descriptors from 3 on the process gets as well', count, 0)
    .option('--no-pivot', 'chroot instead of pivot_root, for a root that cannot be pivoted from')
    .option('--no-new-keyring', 'no session keyring is made in any case')
    .option('--no-subreaper', 'for callers of runc');
}

function addLifecycle(program: Command, globals: () => Globals, outcome: Outcome): void {
  launchFlags(program.command('create').description('make a container that waits for start').argument('<id>')).action(async (id: string, options: LaunchOptions) => {
    await (await import('./create.js')).create(globals(), id, options);
  });
  launchFlags(program.command('run').description('create and start a container').argument('<id>'))
    .option('-d, --detach', 'do not wait for its end', false)
    .option('--keep', 'do not delete it after its end', false)
    .action(async (id: string, options: RunOptions) => {
      outcome.exitCode = await (await import('./run.js')).run(globals(), id, options);
    });
  program.command('start').description('start a created container').argument('<id>').action(async (id: string) => {
    await (await import('./start.js')).start(globals(), id);
  });
  program.command('state').description('print the state of a container').argument('<id>').action(async (id: string) => {
    (await import('./show.js')).showState(globals(), id);
  });
  program.command('kill').description('send a signal').argument('<id>').argument('[signal]', 'name or number', 'SIGTERM').option('-a, --all', 'to every process', false)
    .action(async (id: string, signal: string, { all }: { all: boolean }) => {
      (await import('./kill.js')).kill(globals(), id, { signal, all });
    });
  program.command('delete').description('free what a container has').argument('<id>').option('-f, --force', 'end it first', false).option('-r, --regex', 'all whose id it matches', false)
    .action(async (id: string, options: DeleteOptions) => {
      await (await import('./delete.js')).deleteContainers(globals(), id, options);
    });
}
