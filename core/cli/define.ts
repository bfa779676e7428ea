/** Comes in: one command's options and its function. Goes out: the command as `main.ts` runs it, with parsing, help and usage errors by commander. */
import { Command as Program, CommanderError, InvalidArgumentError } from 'commander';
import { CoreError } from '../errors/index.js';
import { Cli, type GlobalOptions } from './cli.js';
import { reportFailure } from './fail.js';

export interface Definition<Options> {
  /** Adds arguments and options. `--json`, `--socket` and `--help` are there already. */
  readonly define?: (program: Program) => void;
  /** Returns the exit code; nothing means 0. */
  readonly run: (cli: Cli, args: readonly string[], options: Options) => Promise<number | void>;
}

export interface CliCommand {
  /** For help and completion. */
  program(name: string, summary: string): Program;
  run(call: CommandCall): Promise<number>;
}

export interface CommandCall {
  readonly name: string;
  readonly summary: string;
  readonly argv: readonly string[];
  /** Those given before the command's name. */
  readonly globals: GlobalOptions;
}

export function defineCommand<Options extends object = object>({ define, run }: Definition<Options>): CliCommand {
  function program(name: string, summary: string): Program {
    const made = new Program(`core ${name}`).description(summary).exitOverride().configureOutput({ outputError: () => {} });
    define?.(made);
    return made.option('--json', 'print JSON').option('--socket <path>', 'socket of the kernel').helpOption('-h, --help', 'show this help');
  }

  return {
    program,
    run: async ({ name, summary, argv, globals }) => {
      const parsed = parse(program(name, summary), argv);
      if (!parsed) return 0;
      const { json, socket, ...options } = parsed.opts<Options & GlobalOptions>();
      const cli = new Cli({ json: json ?? globals.json, socket: socket ?? globals.socket });
      try {
        return (await run(cli, parsed.args, options as unknown as Options)) ?? 0;
      } catch (error) {
        return reportFailure(error, cli);
      } finally {
        await cli.close();
      }
    },
  };
}

/** Undefined when help was asked for and has been printed. */
function parse(program: Program, argv: readonly string[]): Program | undefined {
  try {
    return program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw new CoreError('E_INVALID', { message: error.message.replace(/^error: /, ''), hint: `${program.name()} --help` });
  }
}

/** A whole number, 0 or more. */
export function count(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

/** A whole number, or -1 for no limit. */
export function limit(text: string): number {
  return text === '-1' ? -1 : count(text);
}

export function decimal(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number.');
}

const AGO: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `10m` ago, an ISO time, or seconds since the epoch; as milliseconds since the epoch. */
export function moment(text: string): number {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined) return Date.now() - Number(amount) * (AGO[unit] ?? 0);
  const time = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isFinite(time)) return time;
  throw new InvalidArgumentError('It must be a time: 10m (ago), 2026-01-31T12:00:00Z, or seconds since the epoch.');
}

/** For options that may be given several times. */
export function list(value: string, former: readonly string[] = []): string[] {
  return [...former, value];
}
