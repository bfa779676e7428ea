/**
 * The specification's hooks: those of the machine's side are run here, those of the container's side become steps of the plan.
 * Called by `plan.ts`, `launch.ts`, `start.ts` and `delete.ts`.
 */
import { spawn } from 'node:child_process';
import type { Hook, HookPoint, OciConfig } from './config.js';
import { OciFailure } from './failure.js';

export type HookStep = readonly ['hook', path: string, argv: readonly string[], env: readonly string[], seconds: number, head: string, tail: string];

/** The executor puts the pid, which nobody knows yet, between the two halves of the state. `inherited`: what a hook without an environment of its own gets. */
export function hookSteps(hooks: readonly Hook[], { state, inherited }: { readonly state: Readonly<Record<string, unknown>>; readonly inherited: readonly string[] }): HookStep[] {
  const { pid: _, ...rest } = state;
  const head = '{"pid":';
  const tail = `,${JSON.stringify(rest).slice(1)}`;
  return hooks.map(({ path, args, env = inherited, timeout = 0 }) => ['hook', path, args?.length ? args : [path], env, timeout, head, tail]);
}

/** One after another; the first that fails ends them. Throws OciFailure. */
export async function runHooks(config: OciConfig, point: HookPoint, state: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [index, hook] of (config.hooks?.[point] ?? []).entries()) {
    const fault = await runHook(hook, callOf(state));
    if (fault !== undefined) throw new OciFailure(`error running ${point} hook #${index}: ${fault}`);
  }
}

/** The container's end is not theirs: each is run, and what fails is told. */
export async function runLateHooks(config: OciConfig, point: HookPoint, { state, warn }: { readonly state: Readonly<Record<string, unknown>>; readonly warn: (message: string) => void }): Promise<void> {
  for (const [index, hook] of (config.hooks?.[point] ?? []).entries()) {
    const fault = await runHook(hook, callOf(state));
    if (fault !== undefined) warn(`${point} hook #${index}: ${fault}`);
  }
}

const MAX_WORDS = 4096;

interface HookCall {
  readonly state: string;
  readonly cwd: string;
}

/** Hooks begin in the bundle, where their own files are. */
function callOf(state: Readonly<Record<string, unknown>>): HookCall {
  return { state: JSON.stringify(state), cwd: String(state['bundle']) };
}

/** What went wrong, if anything. It ends with its program, whoever still holds the pipes. */
function runHook({ path, args, env, timeout }: Hook, { state, cwd }: HookCall): Promise<string | undefined> {
  return new Promise((resolve) => {
    const [argv0 = path, ...rest] = args ?? [];
    const child = spawn(path, rest, { argv0, ...(env && { env: Object.fromEntries(env.map((entry) => splitEntry(entry))) }), cwd, stdio: 'pipe', detached: true });
    const said = ['', ''];
    [child.stdout, child.stderr].forEach((stream, index) => stream.on('data', (bytes: Buffer) => (said[index] = `${said[index]}${bytes.toString()}`.slice(0, MAX_WORDS))));
    let late = false;
    const timer = timeout ? setTimeout(() => {
      late = true;
      if (child.pid) process.kill(-child.pid, 'SIGKILL');
    }, timeout * 1000) : undefined;
    const settle = (fault: string | undefined): void => {
      clearTimeout(timer);
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
      resolve(fault);
    };
    child.stdin.on('error', () => {});
    child.stdin.end(state);
    child.once('error', (thrown) => settle(thrown.message));
    child.once('exit', (code, signal) => {
      if (late) settle(`hook ran past specified timeout of ${timeout}s`);
      else setImmediate(() => settle(code === 0 ? undefined : `${signal ? `signal: ${signal}` : `exit status ${code}`}, stdout: ${said[0]}, stderr: ${said[1]}`));
    });
  });
}

function splitEntry(entry: string): [string, string] {
  const at = entry.indexOf('=');
  return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
}
