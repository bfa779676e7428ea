/** A kernel of fakes on a socket, and the real CLI in a child process against it. Called by tests of the CLI and the SDK. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { createKernel, type CoreKernel } from '#core/index.js';
import { runtimeFake } from '#runtime-fake/index.js';
import { temporaryFolder } from './folder.js';

const CORE = fileURLToPath(new URL('../../../core/bin/core.mjs', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ServedKernel {
  readonly kernel: CoreKernel;
  readonly core: (args: readonly string[], input?: string) => Promise<CliResult>;
}

export async function servedKernel(t: { teardown(fn: () => unknown): void }): Promise<ServedKernel> {
  const folder = temporaryFolder(t);
  const kernel = await createKernel({ plugins: [runtimeFake()], root: join(folder, 'root'), runRoot: join(folder, 'run') });
  t.teardown(() => kernel.close({ haste: AbortSignal.abort() }));
  return { kernel, core: (args, input) => runCore(args, { input, env: { CORE_SOCK: kernel.socket } }) };
}

export interface RunOptions {
  readonly input?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** With nothing of this process's environment but PATH, and no terminal. Four at a time, or a small machine thrashes. */
export function runCore(args: readonly string[], options: RunOptions = {}): Promise<CliResult> {
  const lane = calls++ % lanes.length;
  const result = (lanes[lane] ?? Promise.resolve()).then(() => spawnCore(args, options));
  lanes[lane] = result.catch(() => {});
  return result;
}

const lanes: Array<Promise<unknown>> = Array.from({ length: 4 }, () => Promise.resolve());
let calls = 0;

function spawnCore(args: readonly string[], { input = '', env = {} }: RunOptions): Promise<CliResult> {
  const child = spawn(process.execPath, [CORE, ...args], { env: { PATH: process.env['PATH'], ...env }, stdio: 'pipe' });
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  child.stdout.on('data', (chunk: Buffer) => chunks.stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.stderr.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout: Buffer.concat(chunks.stdout).toString(), stderr: Buffer.concat(chunks.stderr).toString() }));
  });
}
