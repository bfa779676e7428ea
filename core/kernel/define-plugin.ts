/**
 * What a plugin is. Comes in: a manifest with its `setup`. Goes out: the same, checked and frozen, with the type of `ctx`
 * inferred from it. Called once by each plugin's `index.ts`, whose default export is the result.
 */
import type { Contract } from '../contracts/index.js';
import { CoreError, type ErrorIssue } from '../errors/index.js';
import { lifecycles } from '../lifecycle/index.js';
import type { Context, Implementations, Need, OptionalNeed, ReservedName } from './context.js';
import { malformedPermissions, type Permission } from './permissions.js';
import type { SchemaOutput, StandardSchema } from './standard-schema.js';

/** Version of what a plugin may expect of the kernel. */
export const PLUGIN_API = 1;

type Reserved = { readonly [Name in ReservedName]?: never };

export interface PluginDefinition<Schema extends StandardSchema | undefined, Needs, Provides, Permissions extends Permission> {
  /** Unique in a plugin set: `[a-z][a-z0-9-]*`. */
  readonly name: string;
  /** Semantic version of the plugin. */
  readonly version: string;
  readonly api: typeof PLUGIN_API;
  /** A Standard Schema (zod, valibot, arktype) of the plugin's options in the plugin set. */
  readonly config?: Schema;
  /** Local name -> contract, or `optional(contract)`. The ports stand under these names in `ctx`. */
  readonly needs?: Needs;
  /** Local name -> contract. `setup` returns the implementations under these names. */
  readonly provides?: Provides;
  readonly permissions?: readonly Permissions[];
  /** Brings the plugin up. Everything it acquires is registered with `ctx.effect`; when it throws, all of that is undone. */
  setup(ctx: Context<SchemaOutput<Schema>, Needs, Permissions>): Implementations<NoInfer<Provides>> | Promise<Implementations<NoInfer<Provides>>>;
}

/** A plugin whose types nobody needs any more: what a plugin set lists and the kernel boots. */
export interface Plugin {
  readonly name: string;
  readonly version: string;
  readonly api: number;
  readonly config: StandardSchema | undefined;
  readonly needs: Readonly<Record<string, Need>>;
  readonly provides: Readonly<Record<string, Contract<unknown>>>;
  readonly permissions: readonly string[];
  setup(ctx: never): unknown;
}

/**
 * Checks and freezes a manifest. Throws `E_INVALID` with every fault at once.
 *
 * ```ts
 * export default definePlugin({
 *   name: 'hello', version: '1.0.0', api: 1,
 *   needs: { images: Images },
 *   permissions: ['hooks:container.spec'],
 *   setup(ctx) {
 *     ctx.hooks.container.spec.tap({}, (spec) => ({ ...spec, hostname: 'hello' }));
 *   },
 * });
 * ```
 */
export function definePlugin<
  Schema extends StandardSchema | undefined = undefined,
  Needs extends Readonly<Record<string, Need>> & Reserved = Record<never, never>,
  Provides extends Readonly<Record<string, Contract<unknown>>> = Record<never, never>,
  const Permissions extends Permission = never,
>(definition: PluginDefinition<Schema, Needs, Provides, Permissions>): Plugin {
  const { name, version, api, config, needs, provides, permissions } = definition;
  const plugin: Plugin = {
    name,
    version,
    api,
    config,
    needs: Object.freeze({ ...needs }),
    provides: Object.freeze({ ...provides }),
    permissions: Object.freeze([...(permissions ?? [])]),
    setup: definition.setup as Plugin['setup'],
  };
  const issues = manifestIssues(plugin);
  if (issues.length > 0) {
    throw new CoreError('E_INVALID', {
      message: `plugin ${String(name)}: ${issues.map((issue) => `${issue.path}: ${issue.message}`).join('; ')}`,
      object: { kind: 'plugin', id: String(name) },
      issues,
    });
  }
  return Object.freeze(plugin);
}

/** A need that may stay unmet: its port is `undefined` in `ctx` when nobody provides the contract. */
export function optional<C extends Contract<unknown>>(contract: C): OptionalNeed<C> {
  return Object.freeze({ optional: contract });
}

export function isOptional(need: Need): need is OptionalNeed {
  return typeof need === 'object' && need !== null && 'optional' in need;
}

/** The contract of a need, optional or not. */
export function neededContract(need: Need): Contract<unknown> {
  return isOptional(need) ? need.optional : need;
}

/** Whether a module's default export is a plugin: what `definePlugin` returned, this copy of it or another. */
export function isPlugin(value: unknown): value is Plugin {
  if (typeof value !== 'object' || value === null) return false;
  const { needs, provides, permissions } = value as Partial<Plugin>;
  return isRecord(needs) && isRecord(provides) && Array.isArray(permissions) && manifestIssues(value as Plugin).length === 0;
}

const reserved: ReadonlySet<string> = new Set<ReservedName>([
  'plugin', 'config', 'log', 'signal', 'root', 'runRoot', 'shared', 'lease', 'events', 'effect', 'handover', 'previous', 'hooks', 'fs', 'state',
]);

const hookNames = Object.entries(lifecycles).flatMap(([life, hooks]) => Object.keys(hooks).map((hook) => `${life}.${hook}`));

/** Every fault of a manifest. Types catch most of it; a plugin in JavaScript, or of another version, has only this. */
function manifestIssues({ name, version, api, needs, provides, permissions, setup }: Plugin): ErrorIssue[] {
  const issues: ErrorIssue[] = [];
  const fault = (path: string, message: string): void => void issues.push({ path, message });
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,63}$/.test(name)) fault('name', 'must be lower case letters, digits and dashes, a letter first');
  if (typeof version !== 'string' || !/^\d+\.\d+\.\d+/.test(version)) fault('version', 'must be a semantic version');
  if (api !== PLUGIN_API) fault('api', `must be ${PLUGIN_API}, the plugin interface of this kernel`);
  if (typeof setup !== 'function') fault('setup', 'must be a function');
  for (const local of Object.keys(needs)) {
    if (reserved.has(local)) fault(`needs.${local}`, 'is a name ctx has already; choose another');
  }
  for (const [local, need] of Object.entries(needs)) if (!isContract(neededContract(need))) fault(`needs.${local}`, 'must be a contract, or optional(contract)');
  for (const [local, contract] of Object.entries(provides)) if (!isContract(contract)) fault(`provides.${local}`, 'must be a contract');
  for (const permission of malformedPermissions(permissions, hookNames)) fault('permissions', `${permission} is no permission`);
  return issues;
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function isContract(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'key' in value && 'methods' in value;
}
