/**
 * Module hooks for scripts, in Node's loader thread. Comes in: a specifier or a file. Goes out: its address, with `@core/*` and
 * zx found beside this program when the script has none of its own; and its JavaScript, types taken away and `using` spelled out.
 */
import { readFile } from 'node:fs/promises';
import type { InitializeHook, LoadHook, ResolveHook } from 'node:module';
import { fileURLToPath } from 'node:url';

let transform = false;

export const initialize: InitializeHook<{ transform: boolean }> = (data) => {
  transform = data.transform;
};

export const resolve: ResolveHook = async (specifier, context, next) => {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (!/^(@core\/|zx$|zx\/)/.test(specifier)) throw error;
    return next(specifier, { ...context, parentURL: import.meta.url });
  }
};

export const load: LoadHook = async (url, context, next) => {
  if (!transform || !/\.m?ts$/.test(new URL(url).pathname) || !url.startsWith('file:')) return next(url, context);
  const { transform: toJavaScript } = await import('esbuild');
  const file = fileURLToPath(url);
  const { code } = await toJavaScript(await readFile(file, 'utf8'), {
    loader: 'ts',
    format: 'esm',
    target: `node${process.versions.node}`,
    sourcefile: file,
    sourcemap: 'inline',
  });
  return { format: 'module', source: code, shortCircuit: true };
};
