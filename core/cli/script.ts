/**
 * `core SCRIPT.mts [ARGS]`: runs a script in this process as `node` would, TypeScript included. Comes in: a file and its
 * arguments. Goes out: the script's own exit code. Where Node cannot read the language itself, `script-hooks.ts` does it.
 */
import { existsSync } from 'node:fs';
import { register } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CoreError } from '../errors/index.js';

export interface ScriptCall {
  readonly file: string;
  readonly args: readonly string[];
  /** Set for the script: `CORE_SOCK` leads its SDK to a kernel. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Resolves once the script's module has been evaluated; with 1 when it threw, having shown what and where. */
export async function runScript({ file, args, env = {} }: ScriptCall): Promise<number> {
  const path = resolve(file);
  if (!existsSync(path)) throw new CoreError('E_NOT_FOUND', { message: `there is no script ${file}`, object: { kind: 'script', id: path } });
  Object.assign(process.env, env);
  process.argv = [process.argv[0] ?? 'node', path, ...args];
  const transform = !readsTypeScript();
  if (transform) process.setSourceMapsEnabled(true);
  register('./script-hooks.js', import.meta.url, { data: { transform } });
  try {
    await import(pathToFileURL(path).href);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    process.stderr.write(describe(error));
    return 1;
  }
}

/** With the stack: unlike our own failures, it tells the author of a script which line of it failed. */
function describe(error: unknown): string {
  const hint = error instanceof CoreError && error.hint ? `hint: ${error.hint}\n` : '';
  const stack = error instanceof Error ? error.stack : undefined;
  return `${stack ?? String(error)}\n${hint}`;
}

/** Types alone are not enough: `await using`, which every script of ours wants, came later than type stripping. */
function readsTypeScript(): boolean {
  return Boolean(Reflect.get(process.features, 'typescript')) && parses('async () => { await using x = null }');
}

function parses(source: string): boolean {
  try {
    return typeof new Function(`return ${source}`) === 'function';
  } catch {
    return false;
  }
}
