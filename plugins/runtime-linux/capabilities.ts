/** Capability names in, sets and masks out. Called by the spec builder and the plan compiler. */
import type { Oci } from '@core/core/plugin';
import { CAPABILITIES } from './constants.js';

/** Docker's fourteen less NET_RAW (forged packets) and MKNOD (device nodes). */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FSETID', 'CAP_FOWNER', 'CAP_SETGID', 'CAP_SETUID', 'CAP_SETFCAP', 'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE', 'CAP_SYS_CHROOT', 'CAP_KILL', 'CAP_AUDIT_WRITE',
];

/** `net_admin`, `NET_ADMIN` and `CAP_NET_ADMIN` are one name; `undefined` for what no kernel knows. */
export function capabilityName(name: string): string | undefined {
  const upper = name.toUpperCase();
  const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  return CAPABILITIES.includes(full) ? full : undefined;
}

/** All this kernel has. */
export function allCapabilities(lastCapability: number): string[] {
  return CAPABILITIES.slice(0, lastCapability + 1);
}

const bits: ReadonlyMap<string, bigint> = new Map(CAPABILITIES.map((name, bit) => [name, 1n << BigInt(bit)]));

/** In the order of the plan's `caps` step. */
export function capabilityMasks({ bounding, effective, permitted, inheritable, ambient }: Oci.Capabilities): [bigint, bigint, bigint, bigint, bigint] {
  return [mask(bounding), mask(effective), mask(permitted), mask(inheritable), mask(ambient)];
}

/** By content: most containers have the same few sets. */
const masks = new Map<string, bigint>();
const MAX_MASKS = 64;

function mask(names: readonly string[] = []): bigint {
  if (names.length === 0) return 0n;
  const key = names.join(' ');
  const known = masks.get(key);
  if (known !== undefined) return known;
  if (masks.size >= MAX_MASKS) masks.clear();
  const fresh = names.reduce((all, name) => all | (bits.get(name) ?? 0n), 0n);
  masks.set(key, fresh);
  return fresh;
}
