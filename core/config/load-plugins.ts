/**
 * Finds and imports the plugins of a set. Comes in: the entries and the file they stand in. Goes out: plugins with their
 * checked entries, and a fault per entry that cannot be used. Called by `load.ts`.
 */
import { createRequire } from 'node:module';
import { dirname, isAbsolute, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { PluginInfo } from '../contracts/index.js';
import type { ErrorIssue } from '../errors/index.js';
import { toIssues, type SchemaIssue } from './issues.js';

/** As much of a plugin as has to be known here; what it really is, the kernel says (see `isPlugin` there). */
export interface PluginLike {
  /** A Standard Schema. */
  readonly config: ConfigSchema | undefined;
}

interface ConfigSchema {
  readonly '~standard': { readonly validate: (value: unknown) => Validated | Promise<Validated> };
}

interface Validated {
  readonly issues?: readonly SchemaIssue[] | undefined;
}

type Isolation = PluginInfo['isolation'];

export interface LoadedPlugin<Plugin extends PluginLike> {
  readonly plugin: Plugin;
  /** `file:` URL, from which a process of its own imports it again. */
  readonly module: string;
  readonly config: unknown;
  readonly isolation: Isolation;
  readonly optional: boolean;
}

/** An entry as the plugin set has it. */
export type PluginEntry = string | { readonly module: string; readonly config?: unknown; readonly isolation?: Isolation | undefined; readonly optional?: boolean | undefined };

export interface LoadedPlugins<Plugin extends PluginLike> {
  readonly plugins: Array<LoadedPlugin<Plugin>>;
  readonly issues: ErrorIssue[];
}

export interface Loading<Plugin extends PluginLike> {
  /** The plugin set's, from which relative paths count. */
  readonly file: string;
  readonly isPlugin: (value: unknown) => value is Plugin;
}

/** An entry that is `undefined` is passed over. An optional plugin that cannot be imported is left out. */
export async function loadPlugins<Plugin extends PluginLike>(entries: ReadonlyArray<PluginEntry | undefined>, loading: Loading<Plugin>): Promise<LoadedPlugins<Plugin>> {
  const found = await Promise.all(
    entries.map((entry, index) => entry !== undefined && loadPlugin(typeof entry === 'string' ? { module: entry } : entry, `plugins[${index}]`, loading)),
  );
  const results = found.filter((result) => result !== false);
  return { plugins: results.flatMap(({ plugins }) => plugins), issues: results.flatMap(({ issues }) => issues) };
}

async function loadPlugin<Plugin extends PluginLike>(
  entry: Exclude<PluginEntry, string>,
  at: string,
  { file, isPlugin }: Loading<Plugin>,
): Promise<LoadedPlugins<Plugin>> {
  const { module: specifier, config, isolation = 'none', optional = false } = entry;
  let module: string;
  let plugin: unknown;
  try {
    module = locate(specifier, file);
    ({ default: plugin } = (await import(module)) as { default?: unknown });
  } catch (error) {
    const message = `${JSON.stringify(specifier)} cannot be loaded: ${error instanceof Error ? firstLine(error.message) : String(error)}`;
    return optional ? { plugins: [], issues: [] } : { plugins: [], issues: [{ path: `${at}.module`, message }] };
  }
  if (!isPlugin(plugin)) return { plugins: [], issues: [{ path: `${at}.module`, message: `${JSON.stringify(specifier)} is no plugin: its default export must come from definePlugin` }] };
  const issues = plugin.config !== undefined ? await configIssues(plugin.config, config, `${at}.config`) : [];
  return { plugins: [{ plugin, module, config, isolation, optional }], issues };
}

/** A path is relative to the plugin set; a package is looked for from there, then from where the core itself is installed. */
function locate(specifier: string, file: string): string {
  if (specifier.startsWith('file:')) return specifier;
  if (isAbsolute(specifier) || /^\.{1,2}(\/|$)/.test(specifier)) return pathToFileURL(resolve(dirname(file), specifier)).href;
  try {
    return pathToFileURL(createRequire(file).resolve(specifier)).href;
  } catch {
    return pathToFileURL(createRequire(fileURLToPath(import.meta.url)).resolve(specifier)).href;
  }
}

async function configIssues(schema: ConfigSchema, config: unknown, at: string): Promise<ErrorIssue[]> {
  const result = await schema['~standard'].validate(config ?? {});
  return toIssues(result.issues ?? [], at);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
