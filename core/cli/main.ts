/**
 * The CLI. Comes in: the arguments after `core`. Goes out: the exit code. It looks at as little as it must to find the one
 * command that is meant, and loads that file alone. Called by `bin/core.mjs`.
 */
import { commands } from './commands.js';
import type { GlobalOptions } from './cli.js';
import { CoreError } from '../errors/index.js';
import { reportFailure } from './fail.js';

export async function main(argv: readonly string[]): Promise<number> {
  // Node makes a pipe non-blocking when its stream is opened, and a container of `core oci` gets the very same pipe.
  if (argv[0] !== 'oci') process.stdout.on('error', endQuietly);
  try {
    return await dispatch(argv);
  } catch (error) {
    return reportFailure(error, { json: wantsJson(argv) });
  }
}

async function dispatch(argv: readonly string[]): Promise<number> {
  const { globals, name, rest } = split(argv);
  if (name === undefined) return help(globals.version ? ['--version'] : rest);
  if (name === 'help') return help(rest);
  if (name === '__complete') return (await import('./complete.js')).complete(rest);
  if (isScript(name)) return (await import('./script.js')).runScript({ file: name, args: rest, env: socketEnv(globals) });
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!entry) throw await unknownCommand(name);
  const { default: command } = await entry.load();
  return command.run({ name, summary: entry.summary, argv: rest, globals });
}

interface Split {
  readonly globals: GlobalOptions & { readonly version?: boolean };
  readonly name: string | undefined;
  readonly rest: readonly string[];
}

/** Options before the command's name belong to `core` itself: `core --socket PATH ps`. */
function split(argv: readonly string[]): Split {
  let globals: Split['globals'] = {};
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (!word.startsWith('-')) return { globals, name: word, rest: argv.slice(index + 1) };
    if (word === '--json') globals = { ...globals, json: true };
    else if (word === '--socket') globals = { ...globals, socket: valueOf(argv, ++index) };
    else if (word.startsWith('--socket=')) globals = { ...globals, socket: word.slice('--socket='.length) };
    else if (word === '--version' || word === '-v') globals = { ...globals, version: true };
    else if (word !== '--help' && word !== '-h') throw new CoreError('E_INVALID', { message: `unknown option ${word}`, hint: 'core help' });
  }
  return { globals, name: undefined, rest: [] };
}

function valueOf(argv: readonly string[], index: number): string {
  const value = argv[index];
  if (value === undefined) throw new CoreError('E_INVALID', { message: '--socket wants a path' });
  return value;
}

async function help(rest: readonly string[]): Promise<number> {
  const { printHelp, printVersion } = await import('./help.js');
  return rest[0] === '--version' ? printVersion() : printHelp(rest[0]);
}

function isScript(name: string): boolean {
  return /\.[cm]?[jt]s$/.test(name);
}

function socketEnv({ socket }: GlobalOptions): Readonly<Record<string, string>> {
  return socket === undefined ? {} : { CORE_SOCK: socket };
}

async function unknownCommand(name: string): Promise<CoreError> {
  const { nearest } = await import('./nearest.js');
  const meant = nearest(name, Object.keys(commands));
  return new CoreError('E_INVALID', { message: `${name} is no command`, hint: meant ? `Did you mean \`core ${meant}\`?` : '`core help` lists them.' });
}

/** For what fails before the command has parsed its own options. Behind `--` the word is not ours. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end < 0 ? undefined : end).includes('--json');
}

/** `core ps | head` closes our stdout: nobody reads on, so there is nothing left to do. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
}
