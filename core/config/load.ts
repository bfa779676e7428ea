/**
 * Reads a plugin set. Comes in: a file's path. Goes out: everything the kernel needs to boot it, checked to the last field,
 * or one error with every fault and its place. Called by `core run`, and by embedders through `loadPluginSet`.
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import type { ContainerOptions } from '../contracts/index.js';
import { CoreError, type ErrorIssue } from '../errors/index.js';
import { invalid } from './container-options.js';
import { toIssues } from './issues.js';
import { loadPlugins, type LoadedPlugin, type PluginLike } from './load-plugins.js';
import { pluginSetSchema, runItems } from './plugin-set.js';

export interface RunItem {
  /** As given; without one the container is named by its id. */
  readonly name: string | undefined;
  readonly options: ContainerOptions;
  /** Names of items that are started before. */
  readonly after: readonly string[];
}

export interface PluginSet<Plugin extends PluginLike> {
  /** Absolute. */
  readonly file: string;
  readonly plugins: ReadonlyArray<LoadedPlugin<Plugin>>;
  readonly bindings: Readonly<Record<string, string>>;
  readonly root: string | undefined;
  readonly runRoot: string | undefined;
  readonly serve: boolean;
  readonly run: readonly RunItem[];
}

/**
 * Throws `E_NOT_FOUND` when there is no such file, `E_INVALID` with one issue per fault otherwise. Nothing is started, but
 * plugins' modules are imported.
 */
export async function readPluginSet<Plugin extends PluginLike>(path: string, isPlugin: (value: unknown) => value is Plugin): Promise<PluginSet<Plugin>> {
  const file = resolve(path);
  const json = parseJson(await readText(file), file);
  const parsed = pluginSetSchema.safeParse(json);
  const issues: ErrorIssue[] = parsed.success ? [] : toIssues(parsed.error.issues);
  // Plugins are looked at even when something else is wrong, so that all faults come at once.
  const { plugins, issues: pluginIssues } = await loadPlugins(pluginEntries(json), { file, isPlugin });
  issues.push(...pluginIssues);
  if (!parsed.success || issues.length > 0) throw invalid(`plugin set ${file}`, issues);
  const { bindings = {}, root, runRoot, serve = false } = parsed.data;
  return { file, plugins, bindings, root, runRoot, serve, run: items(json, dirname(file)) };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code;
    const missing = errno === 'ENOENT' || errno === 'ENOTDIR';
    throw new CoreError(missing ? 'E_NOT_FOUND' : 'E_IO', {
      message: missing ? `there is no plugin set at ${file}` : `the plugin set ${file} cannot be read (${errno ?? 'unknown reason'})`,
      object: { kind: 'plugin set', id: file },
      errno,
      cause,
    });
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CoreError('E_INVALID', { message: `the plugin set ${file} is not JSON: ${(cause as Error).message}`, issues: [{ path: '', message: (cause as Error).message }], cause });
  }
}

/** What of `plugins` has the right shape; the rest is the schema's to report. */
function pluginEntries(json: unknown): Array<z.output<typeof someEntry> | undefined> {
  const list = z.object({ plugins: z.array(z.unknown()) }).safeParse(json);
  return list.success ? list.data.plugins.map((entry) => someEntry.safeParse(entry).data) : [];
}

const someEntry = pluginSetSchema.shape.plugins.element;

/** The options as written: the engine checks and settles them itself, like everybody else's. */
function items(json: unknown, folder: string): RunItem[] {
  const { run } = json as { run?: Record<string, ContainerOptions & { after?: string[] }> };
  return runItems(run).map(({ name, after, item: { after: _after, ...options } }) => ({
    name,
    after,
    options: { ...options, ...(name !== undefined && { name }), image: fromFolder(options.image, folder) },
  }));
}

/** `oci:./layout:tag` means a folder beside the file. */
function fromFolder(image: string, folder: string): string {
  const [, kind, path] = /^(oci|oci-archive|docker-archive|dir):([^/].*)$/.exec(image) ?? [];
  return kind === undefined || path === undefined ? image : `${kind}:${resolve(folder, path)}`;
}
