/** `checkpoint` and `restore` with the flags of runc. Comes in: the program. Called by `more-commands.ts`. */
import { Option, type Command } from 'commander';
import type { DumpOptions } from './criu/arguments.js';
import type { RestoreFlags } from './criu/restore.js';
import { OciFailure } from './failure.js';
import type { Globals } from './globals.js';

/** What is read here and goes no further. */
interface Raw {
  readonly lazyPages: boolean;
  readonly statusFd?: string;
  readonly consoleSocket?: string;
}

export function addCriuCommands(program: Command, globals: () => Globals): void {
  imageFlags(program.command('checkpoint').description('write the processes of a container into a folder, by CRIU').argument('<id>'))
    .option('--leave-running', 'let it run on', false)
    .option('--pre-dump', 'its memory alone, to make the dump that follows shorter; it runs on', false)
    .option('--parent-path <folder>', 'the dump before, relative to the image path')
    .option('--tcp-skip-in-flight', 'leave out connections that are being made', false)
    .option('--link-remap', 'files that are open and have no name get one', false)
    .option('--page-server <host:port>', 'where the memory goes')
    .option('--status-fd <fd>', 'belongs to --lazy-pages')
    .action(async (id: string, options: DumpOptions & Raw) => {
      refuse(options);
      if (options.pageServer !== undefined && !/^.+:[0-9]{1,5}$/.test(options.pageServer)) throw new OciFailure('Use --page-server ADDRESS:PORT to specify page server');
      await (await import('./criu/checkpoint.js')).checkpoint(globals(), id, options);
    });
  imageFlags(program.command('restore').description('bring a container back from such a folder').argument('<id>'))
    .option('-b, --bundle <folder>', 'the bundle', '.')
    .option('-d, --detach', 'do not wait for its end', false)
    .option('--pid-file <file>', 'where the pid is written to')
    .option('--console-socket <path>', 'terminals cannot be brought back')
    .option('--no-subreaper', 'for callers of runc')
    .option('--no-pivot', 'for callers of runc')
    .option('--lsm-profile <type:name>', "another profile of the machine's security module")
    .option('--lsm-mount-context <context>', 'another security context of mounts')
    .action(async (id: string, options: RestoreFlags & Raw) => {
      refuse(options);
      await (await import('./criu/restore.js')).restore(globals(), id, options);
    });
  program.command('restore-hooks', { hidden: true }).argument('<id>').action(async (id: string) => {
    await (await import('./criu/hooks.js')).restoreHooks(globals(), id);
  });
}

function imageFlags(command: Command): Command {
  return command
    .option('--image-path <folder>', 'the folder', 'checkpoint')
    .option('--work-path <folder>', "where CRIU's log goes; default: the same")
    .option('--tcp-established', 'open connections too', false)
    .option('--ext-unix-sk', 'unix sockets whose other end is outside', false)
    .option('--shell-job', 'processes of a session of the machine', false)
    .option('--file-locks', 'file locks', false)
    .addOption(new Option('--manage-cgroups-mode <mode>', 'what becomes of cgroups').choices(['soft', 'full', 'strict', 'ignore', 'none', 'props']).default('soft'))
    .addOption(new Option('--empty-ns <type>', 'a namespace whose content is for others to bring back').choices(['network']))
    .option('--auto-dedup', 'drop memory images as they are taken over', false)
    .option('--lazy-pages', 'memory on demand: not supported', false);
}

/** By name, so that nobody takes it for done. */
function refuse({ lazyPages, statusFd, consoleSocket }: Raw): void {
  if (lazyPages || statusFd !== undefined) throw new OciFailure('--lazy-pages is not supported by this runtime');
  if (consoleSocket !== undefined && consoleSocket !== '') throw new OciFailure('cannot restore a container with a terminal');
}

