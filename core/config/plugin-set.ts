/**
 * The plugin set file as a schema: which plugins make up an engine, and what it runs. Comes in: parsed JSON. Goes out: the
 * same, checked. Called by `load.ts`; `scripts/plugin-set-schema.mjs` turns it into `core/plugin-set.schema.json`.
 */
import { z } from 'zod';
import { containerShape, settle } from './container-options.js';
import { absolutePath, nonEmpty, objectName, strict } from './values.js';

const pluginEntry = strict({
  module: nonEmpty.describe('A package, or a path relative to this file.'),
  config: z.unknown().optional().describe("Checked by the plugin's own schema."),
  isolation: z.enum(['none', 'process', 'sandbox']).optional().describe('Where it runs: in this process (none, the default), in a process of its own, or in a confined one.'),
  optional: z.boolean().optional().describe('Go on without it when it cannot be loaded or set up. Default false.'),
});

const after = z.array(objectName).optional();

/** Under its name: the key is the name. */
const { name: _name, ...unnamedShape } = containerShape;
const namedContainer = strict({ ...unnamedShape, after }).meta({ id: 'Container' }).transform((checked, context) => settle(checked, context));
const listedContainer = strict({ ...containerShape, after }).meta({ id: 'NamedContainer' }).transform((checked, context) => settle(checked, context));

export const pluginSetSchema = strict({
  $schema: z.string().optional(),
  plugins: z.array(z.union([nonEmpty, pluginEntry])).min(1, 'at least one plugin is needed').describe('The plugins. Their order says nothing: it follows from what they need and provide.'),
  bindings: z.record(nonEmpty, nonEmpty).optional().describe('Which plugin answers for a contract that several provide: { "runtime@1": "runtime-linux" }.'),
  root: absolutePath.optional().describe('Folder for state, images and logs. Default: /var/lib/core; a private part of it unless "serve" is set.'),
  runRoot: absolutePath.optional().describe('Folder for sockets. Default: /run/core; a private part of it unless "serve" is set.'),
  serve: z.boolean().optional().describe('Stay up until SIGINT or SIGTERM, whatever the containers do. Default false.'),
  run: z.union([z.record(objectName, namedContainer), z.array(listedContainer)]).optional().describe('Containers to run, by name or as a list.'),
}).superRefine((set, context) => {
  for (const fault of runOrderFaults(set.run)) context.issues.push({ code: 'custom', input: set.run, ...fault });
});

type CheckedRun = { readonly [name: string]: { readonly after?: string[] | undefined } } | ReadonlyArray<{ readonly name?: string | undefined; readonly after?: string[] | undefined }>;

interface OrderFault {
  readonly path: PropertyKey[];
  readonly message: string;
}

/** Names given twice, `after` that leads nowhere, and circles. */
function runOrderFaults(run: CheckedRun | undefined): OrderFault[] {
  const items = runItems(run);
  const byName = new Map<string, (typeof items)[number]>();
  const faults: OrderFault[] = [];
  for (const item of items) {
    if (item.name === undefined) continue;
    if (byName.has(item.name)) faults.push({ path: ['run', item.key, 'name'], message: `the name ${JSON.stringify(item.name)} is given twice` });
    byName.set(item.name, item);
  }
  for (const { key, after } of items) {
    for (const [index, name] of after.entries()) {
      if (!byName.has(name)) faults.push({ path: ['run', key, 'after', index], message: `no container under "run" is named ${JSON.stringify(name)}` });
    }
  }
  const settled = new Set<string>();
  for (const { key, name } of items) {
    const circle = name === undefined ? undefined : findCircle(name, [], { byName, settled });
    if (circle) faults.push({ path: ['run', key, 'after'], message: `a circle: ${circle.join(' after ')}` });
  }
  return faults;
}

function findCircle(name: string, path: readonly string[], context: { byName: ReadonlyMap<string, { after: readonly string[] }>; settled: Set<string> }): string[] | undefined {
  if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
  if (context.settled.has(name)) return undefined;
  context.settled.add(name);
  for (const next of context.byName.get(name)?.after ?? []) {
    const circle = findCircle(next, [...path, name], context);
    if (circle) return circle;
  }
  return undefined;
}

/** Both spellings of `run` as one list, in the file's order. */
export function runItems<T extends { readonly name?: string | undefined; readonly after?: string[] | undefined }>(
  run: { readonly [name: string]: T } | readonly T[] | undefined,
): Array<{ readonly key: string | number; readonly name: string | undefined; readonly after: readonly string[]; readonly item: T }> {
  if (run === undefined) return [];
  const entries: Array<[string | number, T]> = isList(run) ? run.map((item, index) => [index, item]) : Object.entries(run);
  return entries.map(([key, item]) => ({ key, name: typeof key === 'string' ? key : item.name, after: item.after ?? [], item }));
}

function isList<T>(run: { readonly [name: string]: T } | readonly T[]): run is readonly T[] {
  return Array.isArray(run);
}
