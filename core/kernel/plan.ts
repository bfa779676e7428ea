/**
 * In which order plugins come up, and who gets what from whom. Comes in: the plugins of a set and its bindings. Goes out: the
 * order with the reason for each edge, or one error that names every fault and all parties to it. Pure; called by `kernel.ts`
 * before anything is started, and by `core plan`, which prints it.
 */
import type { Contract } from '../contracts/index.js';
import { CoreError, type ErrorCode } from '../errors/index.js';
import { isOptional, neededContract, type Plugin } from './define-plugin.js';

/** Who provides, where several could: `{ "runtime@1": "runtime-linux" }`, or for one consumer `{ "scheduler:runtime@1": ... }`. */
export type Bindings = Readonly<Record<string, string>>;

export interface PlanEdge {
  readonly consumer: string;
  /** The consumer's own name for it. */
  readonly need: string;
  /** `runtime@1`. */
  readonly contract: string;
  /** Absent when an optional need stays unmet. */
  readonly provider: string | undefined;
  /** Why this provider: one sentence. */
  readonly reason: string;
}

export interface Plan {
  /** Plugins whose needs are met by the levels before; those of one level come up at the same time. */
  readonly levels: ReadonlyArray<readonly string[]>;
  /** The levels one after the other. Closing goes backwards. */
  readonly order: readonly string[];
  readonly edges: readonly PlanEdge[];
  /** Every contract, who provides it, and whom the bindings choose for those without a binding of their own. */
  readonly contracts: Readonly<Record<string, { readonly providers: readonly string[]; readonly bound: string | undefined }>>;
}

/** What a plan looks at. */
export type Planned = Pick<Plugin, 'name' | 'needs' | 'provides'>;

interface Fault {
  readonly code: ErrorCode;
  readonly path: string;
  readonly message: string;
}

/** Throws `E_INVALID`, `E_UNPROVIDED`, `E_AMBIGUOUS` or `E_CYCLE`; of several faults the first gives the code, `issues` has all. */
export function makePlan(plugins: readonly Planned[], bindings: Bindings = {}): Plan {
  const faults = [...duplicateNames(plugins), ...unknownBindings(plugins, bindings)];
  const contracts = listContracts(plugins, bindings);
  const edges = plugins.flatMap((plugin) => edgesOf(plugin, { contracts, bindings, faults }));
  throwFaults(faults);
  const levels = levelsOf(plugins.map(({ name }) => name), edges);
  return Object.freeze({ levels, order: levels.flat(), edges, contracts });
}

/** The provider of a contract for those outside the plan. Throws `E_UNPROVIDED` or `E_AMBIGUOUS`. */
export function providerOf({ contracts }: Plan, contract: Contract<unknown>): string {
  const { providers, bound } = contracts[contract.key] ?? { providers: [], bound: undefined };
  const [only, ...others] = providers;
  if (bound) return bound;
  if (!only) throw new CoreError('E_UNPROVIDED', { message: `no plugin provides ${contract.key}` });
  if (others.length > 0) throw new CoreError('E_AMBIGUOUS', { message: `several plugins provide ${contract.key}: ${providers.join(', ')}`, hint: bindingHint(contract.key, only) });
  return only;
}

interface EdgeInputs {
  readonly contracts: Plan['contracts'];
  readonly bindings: Bindings;
  readonly faults: Fault[];
}

function edgesOf(plugin: Planned, inputs: EdgeInputs): PlanEdge[] {
  return Object.entries(plugin.needs).map(([need, wanted]) => {
    const contract = neededContract(wanted).key;
    const edge = { consumer: plugin.name, need, contract };
    // A plugin that wraps a contract both needs and provides it; it never serves itself.
    const candidates = (inputs.contracts[contract]?.providers ?? []).filter((name) => name !== plugin.name);
    const bound = inputs.bindings[`${plugin.name}:${contract}`] ?? inputs.bindings[contract];
    if (bound !== undefined && candidates.includes(bound)) return { ...edge, provider: bound, reason: `bindings choose ${bound} for ${contract}` };
    const [only, ...others] = candidates;
    if (only !== undefined && others.length === 0) return { ...edge, provider: only, reason: `${only} alone provides ${contract}` };
    if (only === undefined && isOptional(wanted)) return { ...edge, provider: undefined, reason: `nobody provides ${contract}, and ${plugin.name} can do without` };
    inputs.faults.push(only === undefined ? unprovided(edge) : ambiguous(edge, candidates));
    return { ...edge, provider: undefined, reason: '' };
  });
}

function listContracts(plugins: readonly Planned[], bindings: Bindings): Plan['contracts'] {
  const providers = new Map<string, string[]>();
  for (const { name, provides } of plugins) {
    for (const { key } of Object.values(provides)) providers.set(key, [...(providers.get(key) ?? []), name].sort());
  }
  return Object.fromEntries([...providers].map(([key, names]) => [key, { providers: names, bound: names.find((name) => name === bindings[key]) }]));
}

/** Each level holds those whose providers are all in earlier ones; names in order, so the place in the list never matters. */
function levelsOf(names: readonly string[], edges: readonly PlanEdge[]): string[][] {
  const levels: string[][] = [];
  const waiting = new Set([...names].sort());
  while (waiting.size > 0) {
    const ready = [...waiting].filter((name) => !edges.some(({ consumer, provider }) => consumer === name && provider !== undefined && waiting.has(provider)));
    if (ready.length === 0) throw cycleError(waiting, edges);
    for (const name of ready) waiting.delete(name);
    levels.push(ready);
  }
  return levels;
}

function cycleError(waiting: ReadonlySet<string>, edges: readonly PlanEdge[]): CoreError {
  const path: PlanEdge[] = [];
  let name = waiting.values().next().value;
  while (name !== undefined && !path.some(({ consumer }) => consumer === name)) {
    const edge = edges.find(({ consumer, provider }) => consumer === name && provider !== undefined && waiting.has(provider));
    if (!edge) break;
    path.push(edge);
    name = edge.provider;
  }
  const circle = path.slice(path.findIndex(({ consumer }) => consumer === name));
  return new CoreError('E_CYCLE', {
    message: circle.map(({ consumer, contract, provider }) => `${consumer} needs ${contract} of ${provider}`).join(', '),
    hint: 'Make one of these needs optional in its plugin, or bind it to another provider.',
  });
}

function duplicateNames(plugins: readonly Planned[]): Fault[] {
  const names = plugins.map(({ name }) => name);
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  return [...twice].map((name) => ({ code: 'E_INVALID', path: 'plugins', message: `the plugin ${name} is listed more than once` }));
}

function unknownBindings(plugins: readonly Planned[], bindings: Bindings): Fault[] {
  return Object.entries(bindings).flatMap(([key, chosen]): Fault[] => {
    const contract = key.slice(key.indexOf(':') + 1);
    const path = `bindings["${key}"]`;
    const plugin = plugins.find(({ name }) => name === chosen);
    if (!plugin) return [{ code: 'E_INVALID', path, message: `${chosen} is not among the plugins` }];
    if (Object.values(plugin.provides).some((provided) => provided.key === contract)) return [];
    return [{ code: 'E_INVALID', path, message: `${chosen} does not provide ${contract}` }];
  });
}

type Wanting = Pick<PlanEdge, 'consumer' | 'need' | 'contract'>;

function unprovided({ consumer, need, contract }: Wanting): Fault {
  return { code: 'E_UNPROVIDED', path: `${consumer}.needs.${need}`, message: `${consumer} needs ${contract}, which no plugin provides` };
}

function ambiguous({ consumer, need, contract }: Wanting, candidates: readonly string[]): Fault {
  const hint = bindingHint(contract, candidates[0] ?? '');
  return { code: 'E_AMBIGUOUS', path: `${consumer}.needs.${need}`, message: `${consumer} needs one ${contract}; candidates: ${candidates.join(', ')}. ${hint}` };
}

function bindingHint(contract: string, candidate: string): string {
  return `Choose one under "bindings" in the plugin set: "${contract}": "${candidate}".`;
}

function throwFaults(faults: readonly Fault[]): void {
  const [first] = faults;
  if (!first) return;
  throw new CoreError(first.code, {
    message: faults.map(({ message }) => message).join('; '),
    issues: faults.map(({ path, message }) => ({ path, message })),
  });
}
