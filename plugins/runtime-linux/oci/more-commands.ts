/** The commands for a container that is there, and those without one. Comes in: the program. Called by `program.ts`. */
import { Option, type Command } from 'commander';
import { addCriuCommands } from './criu-commands.js';
import type { EventsOptions } from './events.js';
import type { ExecOptions } from './exec.js';
import { count, seconds } from './flags.js';
import type { Globals } from './globals.js';
import type { ListOptions } from './list.js';
import type { Outcome } from './program.js';
import type { PsOptions } from './ps.js';
import type { SpecOptions } from './spec.js';
import type { UpdateOptions } from './update.js';

export interface Wiring {
  readonly globals: () => Globals;
  readonly outcome: Outcome;
}

export function addCommands(program: Command, wiring: Wiring): void {
  addExec(program, wiring);
  addViews(program, wiring);
  program.command('pause').description('stop all its processes').argument('<id>').action(async (id: string) => {
    await (await import('./pause.js')).pause(wiring.globals(), id);
  });
  program.command('resume').description('let them run again').argument('<id>').action(async (id: string) => {
    (await import('./pause.js')).resume(wiring.globals(), id);
  });
  addLimits(program, wiring);
  addCriuCommands(program, wiring.globals);
  program.command('features').description('print what this runtime knows').action(async () => {
    (await import('./features.js')).features();
  });
  program.command('spec').description('write a config.json to begin with')
    .option('-b, --bundle <folder>', 'where to', '.')
    .option('--rootless', 'with a user namespace', false)
    .action(async (options: SpecOptions) => {
      (await import('./spec.js')).writeSpec(options);
    });
}

function addExec(program: Command, { globals, outcome }: Wiring): void {
  program.command('exec').description('run a further process in a container').argument('<id>').argument('[command...]').passThroughOptions()
    .option('--console-socket <path>', 'a unix socket that takes the terminal')
    .option('--cwd <folder>', 'where it begins')
    .option('-e, --env <entry>', 'NAME=VALUE', collect, [])
    .option('-t, --tty', 'with a terminal', false)
    .option('-u, --user <uid[:gid]>', 'as whom')
    .option('-g, --additional-gids <gid>', 'further groups', (text: string, all: number[]) => [...all, ...text.split(',').map(count)], [])
    .option('-p, --process <file>', 'the whole process as JSON')
    .option('-d, --detach', 'do not wait for its end', false)
    .option('--pid-file <file>', 'where the pid is written to')
    .option('--no-new-privs', 'no privileges by executing')
    .option('-c, --cap <name>', 'a further capability', collect, [])
    .option('--preserve-fds <count>', 'how many descriptors from 3 on the process gets as well', count, 0)
    .option('--cgroup <path>', "a group below the container's own")
    .option('--ignore-paused', 'also where nothing runs', false)
    .action(async (id: string, args: string[], options: Omit<ExecOptions, 'noNewPrivs'> & { readonly newPrivs: boolean }) => {
      const { exec } = await import('./exec.js');
      outcome.exitCode = await exec(globals(), id, { args, options: { ...options, noNewPrivs: !options.newPrivs } });
    });
}

function addViews(program: Command, { globals }: Wiring): void {
  const format = (): Option => new Option('-f, --format <format>', 'how').choices(['table', 'json']).default('table');
  program.command('list').description('print all containers').addOption(format()).option('-q, --quiet', 'their ids alone', false).action(async (options: ListOptions) => {
    (await import('./list.js')).list(globals(), options);
  });
  program.command('ps').description('print the processes of a container').argument('<id>').argument('[options...]', "the machine's ps's").passThroughOptions().addOption(format())
    .action(async (id: string, args: string[], options: PsOptions) => {
      (await import('./ps.js')).ps(globals(), id, { ...options, args });
    });
}

function addLimits(program: Command, { globals }: Wiring): void {
  program.command('update').description('change limits').argument('<id>')
    .option('-r, --resources <file>', 'all of them as JSON, "-" for stdin')
    .option('--memory <bytes>', 'memory')
    .option('--memory-reservation <bytes>', 'memory that is left to it')
    .option('--memory-swap <bytes>', 'memory and swap; -1: no limit')
    .option('--cpu-period <us>', 'length of a period')
    .option('--cpu-quota <us>', 'time in a period')
    .option('--cpu-burst <us>', 'time that may be saved up')
    .option('--cpu-share <shares>', 'share in comparison')
    .option('--cpu-idle <flag>', '1: only what is left over')
    .option('--cpuset-cpus <list>', 'processors')
    .option('--cpuset-mems <list>', 'memory nodes')
    .option('--pids-limit <count>', 'processes')
    .option('--blkio-weight <weight>', 'share of block io')
    .action(async (id: string, options: UpdateOptions) => {
      await (await import('./update.js')).update(globals(), id, options);
    });
  program.command('events').description('print what a container uses').argument('<id>')
    .option('--stats', 'once', false)
    .option('--interval <seconds>', 'else: how often', seconds, 5)
    .action(async (id: string, options: EventsOptions) => {
      await (await import('./events.js')).events(globals(), id, options);
    });
  program.command('stats').description('print what a container uses, once').argument('<id>').action(async (id: string) => {
    await (await import('./events.js')).events(globals(), id, { stats: true, interval: 1 });
  });
}

function collect(text: string, all: readonly string[]): string[] {
  return [...all, text];
}
