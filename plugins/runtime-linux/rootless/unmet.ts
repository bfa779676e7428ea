/**
 * What an ordinary user's container asks for and cannot have. Comes in: its spec and the facts. Goes out: each wish with the reason, for the container's status; the
 * kernel's log has it once per wish. Called by `create`.
 */
import type { Oci, Unmet } from '@core/core/plugin';
import { missingControllers } from '../cgroup/limits.js';
import type { Context } from '../context.js';
import type { HostFacts } from '../plan/input.js';
import { NETWORK_ANNOTATION } from '../plan/user-network.js';
import type { NoNetwork } from './network.js';
import { DELEGATE } from './settings.js';

export function unmetOf(spec: Oci.Spec, host: HostFacts): Unmet[] {
  if (!host.rootless) return [];
  const missing = missingControllers(host.cgroups, spec.linux?.resources ?? {});
  const limits = missing.map((wish): Unmet => ({ wish, reason: `limits of ${wish} are not in force: no cgroup for them is delegated to this user`, hint: DELEGATE }));
  const { network } = host.rootless;
  return [...limits, ...(spec.annotations?.[NETWORK_ANNOTATION] === 'user' && 'lacks' in network ? [withoutNetwork(network)] : [])];
}

function withoutNetwork({ lacks, hint }: NoNetwork): Unmet {
  return { wish: 'network', reason: `the network is loopback alone: ${lacks}`, hint };
}

export function tellUnmet({ unmet, warn }: Context, all: readonly Unmet[]): void {
  for (const { wish, reason, hint } of all) {
    if (unmet.has(wish)) continue;
    unmet.add(wish);
    warn(`${reason}. ${hint ?? ''}`.trim());
  }
}
