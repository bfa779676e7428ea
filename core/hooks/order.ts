/**
 * In which order taps run. Comes in: taps with the names they want to come before and after. Goes out: the one order that
 * keeps every wish and otherwise the order of plugins in the plan, or an error that names hook and plugins. Pure; called by
 * `tap-list.ts` at every change.
 */
import { CoreError } from '../errors/index.js';

export interface Orderable {
  readonly plugin: string;
  /** `plugin`, or `plugin/name`. */
  readonly label: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Place among those without a wish: the plugin's in the plan, then the tap's own. */
  readonly rank: readonly [plugin: number, tap: number];
}

export interface KnownNames {
  readonly taps: readonly Orderable[];
  readonly isPlugin: (name: string) => boolean;
}

/** Throws `E_CYCLE` when the wishes contradict each other. Names that lead to no tap are passed over: see `checkNames`. */
export function orderTaps<T extends Orderable>(hook: string, taps: readonly T[]): T[] {
  const waiting = new Map(taps.map((tap) => [tap, predecessors(tap, taps)]));
  const ordered: T[] = [];
  const byRank = [...taps].sort((a, b) => a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1]);
  while (waiting.size > 0) {
    const next = byRank.find((tap) => waiting.get(tap)?.size === 0);
    if (!next) throw cycleError(hook, waiting);
    ordered.push(next);
    waiting.delete(next);
    for (const left of waiting.values()) left.delete(next);
  }
  return ordered;
}

/** Throws `E_INVALID` for a name that neither a tap nor a plugin of the plan has, and that no `?` excuses. */
export function checkNames(hook: string, tap: Orderable, { taps, isPlugin }: KnownNames): void {
  for (const written of [...tap.before, ...tap.after]) {
    const name = plain(written);
    if (isNamed(tap, name)) {
      throw new CoreError('E_INVALID', { message: `hook ${hook}: ${tap.label} wants to come before or after itself`, step: `${hook} (${tap.label})` });
    }
    if (written.endsWith('?') || isPlugin(name.split('/', 1)[0] ?? name) || taps.some((other) => isNamed(other, name))) continue;
    throw new CoreError('E_INVALID', {
      message: `hook ${hook}: ${tap.label} orders itself against ${name}, which is no plugin of this kernel`,
      hint: `Add ${name} to the plugin set, or write "${name}?" if it may be missing.`,
      step: `${hook} (${tap.label})`,
    });
  }
}

function predecessors<T extends Orderable>(tap: T, taps: readonly T[]): Set<T> {
  const found = taps.filter(
    (other) =>
      other !== tap &&
      (tap.after.some((name) => isNamed(other, plain(name))) || other.before.some((name) => isNamed(tap, plain(name)))),
  );
  return new Set(found);
}

function isNamed(tap: Orderable, name: string): boolean {
  return tap.label === name || tap.plugin === name;
}

function plain(name: string): string {
  return name.endsWith('?') ? name.slice(0, -1) : name;
}

/** Walks from any waiting tap to one it waits for until it meets itself: that is the circle, without those that only hang on it. */
function cycleError<T extends Orderable>(hook: string, waiting: ReadonlyMap<T, ReadonlySet<T>>): CoreError {
  const path: T[] = [];
  let tap = waiting.keys().next().value;
  while (tap && !path.includes(tap)) {
    path.push(tap);
    tap = waiting.get(tap)?.values().next().value;
  }
  const circle = tap ? [...path.slice(path.indexOf(tap)), tap] : path;
  const labels = circle.map(({ label }) => label);
  return new CoreError('E_CYCLE', {
    message: `hook ${hook}: ${labels.join(' after ')}`,
    hint: 'Take one "before" or "after" out of the circle.',
    step: `${hook} (${labels.slice(0, -1).join(', ')})`,
  });
}
