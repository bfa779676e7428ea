/**
 * `$`: comes in a template and options bound to the value, goes out a `Command`. There is no ambient state: `$({ cwd })` is
 * a new `$`, and the old one is as it was.
 */
import type { ExecRequest } from '@core/core/plugin';
import { Command, type CommandOptions } from './command.js';
import type { OpenPlace } from './execution.js';
import { buildScript } from './quote.js';

export interface ProcessOptions extends CommandOptions {
  /** Default: the container's working folder. */
  readonly cwd?: string | undefined;
  /** Added to the container's; with `$({ env })({ env })` both hold, and the later wins. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** `name`, `uid`, `name:group`, `uid:gid`, looked up inside. Default: the container's user. */
  readonly user?: string | undefined;
}

export interface ShellOptions extends ProcessOptions {
  /** Runs the script as `SHELL -c`. Default `/bin/sh`. */
  readonly shell?: string | undefined;
  /** Stands before every script. Default, as in zx: a failing step fails the script (`set -eu;`, in bash with `-o pipefail`). */
  readonly prefix?: string | undefined;
}

/** `` $`cmd ${value}` `` runs a command, `$({ cwd: '/src' })` is a `$` with that option. */
export interface Shell<Options extends ShellOptions = ShellOptions> {
  (pieces: TemplateStringsArray, ...values: unknown[]): Command;
  (options: Options): Shell<Options>;
}

/** Where a command runs may depend on the options (the sandbox of the top-level `$`). */
export type PlaceFor<Options> = (options: Options) => OpenPlace;

export function createShell<Options extends ShellOptions>(placeFor: PlaceFor<Options>, options: Options): Shell<Options> {
  function shell(first: TemplateStringsArray | Options, ...values: unknown[]): Command | Shell<Options> {
    if (!isTemplate(first)) return createShell(placeFor, merge(options, first));
    const plan = { options, shell: shell as Shell, prepare: () => prepareScript(first, values) };
    return new Command(plan, shell);
  }

  async function prepareScript(pieces: TemplateStringsArray, values: readonly unknown[]) {
    const command = buildScript(pieces, await Promise.all(values.map(settle)));
    const program = options.shell ?? '/bin/sh';
    const script = (options.prefix ?? defaultPrefix(program)) + command;
    return { open: placeFor(options), command, request: { args: [program, '-c', script], ...processRequest(options) } };
  }

  return shell as Shell<Options>;
}

export interface Direct {
  readonly open: OpenPlace;
  readonly args: readonly string[];
  readonly options: ProcessOptions;
  /** For `` pipe`...` ``. */
  readonly shell: Shell;
}

/** A command without a shell: the arguments as they are. */
export function createCommand({ open, args, options, shell }: Direct, site: (...args: never[]) => unknown): Command {
  const prepare = async () => ({ open, command: args.join(' '), request: { args, ...processRequest(options) } });
  return new Command({ options, shell, prepare }, site);
}

function processRequest({ cwd, env, user }: ProcessOptions): Omit<ExecRequest, 'id' | 'args'> {
  return {
    ...(cwd !== undefined && { cwd }),
    ...(user !== undefined && { user }),
    ...(env && { env: Object.entries(env).map(([name, value]) => `${name}=${value}`) }),
  };
}

function merge<Options extends ShellOptions>(base: Options, more: Options): Options {
  return { ...base, ...more, ...(base.env && more.env && { env: { ...base.env, ...more.env } }) };
}

function defaultPrefix(program: string): string {
  return /(^|\/)bash$/.test(program) ? 'set -euo pipefail;' : 'set -eu;';
}

/** A command or promise among the values is awaited, also inside a list. */
async function settle(value: unknown): Promise<unknown> {
  return Array.isArray(value) ? Promise.all(value.map(settle)) : value;
}

function isTemplate(first: unknown): first is TemplateStringsArray {
  return Array.isArray(first) && 'raw' in first;
}
