/**
 * The unpacker as a command. Comes in: bytes of an archive. Goes out: what it printed, or how it failed. Called by the tests of the unpacker. Where `CORE_EXECUTOR` names the sanitized
 * executor, it is sanitized too.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findTool } from '../../helpers/machine.js';

const script = join(import.meta.dirname, '..', '..', '..', '..', 'plugins', 'runtime-linux', 'executor', 'unpack', 'test', 'build.mjs');
let built: string | undefined;

/** Why its tests cannot run here; undefined when they can. */
export function lacksUnpacker(): string | undefined {
  return findTool('cc') ? undefined : 'not installed: cc';
}

export interface Outcome {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs `core-unpack ...args`; the string `@` among them is a file with the archive. */
export function runUnpacker(folder: string, { archive, args, env = {} }: { readonly archive: Uint8Array; readonly args: readonly string[]; readonly env?: Record<string, string> }): Outcome {
  const file = join(folder, 'archive');
  writeFileSync(file, archive);
  const { status, stdout, stderr } = spawnSync(unpacker(), args.map((arg) => (arg === '@' ? file : arg)), { env: { ...unpackerEnv(args), ...env }, maxBuffer: 1 << 30 });
  return { status, stdout, stderr: stderr.toString() };
}

/** In its new root the unpacker has no /proc, which the search for leaks wants. */
export function unpackerEnv(args: readonly string[]): NodeJS.ProcessEnv {
  return args[0]?.startsWith('--') ? process.env : { ...process.env, ASAN_OPTIONS: 'detect_leaks=0' };
}

/** The extended attributes of a file, a symlink not followed. */
export function attributes(path: string): Record<string, string> {
  const { stdout } = spawnSync(unpacker(), ['--attributes', path], { encoding: 'latin1' });
  return Object.fromEntries(stdout.split('\n').slice(0, -1).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

export function unpacker(): string {
  built ??= build();
  return built;
}

function build(): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...(process.env['CORE_EXECUTOR']?.endsWith('-asan') ? ['--sanitize'] : [])], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`core-unpack was not built: ${stderr}`);
  return stdout.trim();
}
