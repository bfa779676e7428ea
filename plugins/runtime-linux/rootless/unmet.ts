/**
 * What an ordinary user's container asks for and cannot have. Comes in: its spec and the facts. Goes out: each wish with the reason, for the container's status; the
 * kernel's log has it once per wish. Called by `create`.
 */
import type { Oci, Unmet } from '@core/core/plugin';
import { missingControllers } from '../cgroup/limits.js';
import type { Context } from '../context.js';
import type { HostFacts } from '../plan/input.js';
import { hasUserNetwork, NETWORK_ANNOTATION } from '../plan/user-network.js';
import { DELEGATE } from './settings.js';

export function unmetOf(spec: Oci.Spec, host: HostFacts): Unmet[] {
  if (!host.rootless) return [];
  const missing = missingControllers(host.cgroups, spec.linux?.resources ?? {});
  const limits = missing.map((wish): Unmet => ({ wish, reason: `limits of ${wish} are not in force: no cgroup for them is delegated to this user`, hint: DELEGATE }));
  return [...limits, ...(spec.annotations?.[NETWORK_ANNOTATION] === 'user' && !hasUserNetwork({ spec, host }) ? [withoutNetwork(host.rootless.network)] : [])];
}

function withoutNetwork(network: NonNullable<HostFacts['rootless']>['network']): Unmet {
  const why = 'lacks' in network ? network.lacks : 'it has no network namespace of its own';
  return { wish: 'network', reason: `the network is loopback alone: ${why}`, hint: 'Install passt or slirp4netns; `core doctor` says more.' };
}

export function tellUnmet({ unmet, warn }: Context, all: readonly Unmet[]): void {
  for (const { wish, reason, hint } of all) {
    if (unmet.has(wish)) continue;
    unmet.add(wish);
    warn(`${reason}. ${hint ?? ''}`.trim());
  }
}
