/** What a configuration asks for and the container will not have, where the specification wants no more than a warning. Comes in: the configuration. Goes out: a sentence each. Called by `config.ts`. */
import { readFileSync } from 'node:fs';
import { CAPABILITIES } from '../constants.js';
import { newNamespaces } from '../plan/draft.js';
import type { HostFacts } from '../plan/input.js';
import { warnings } from '../validate/warnings.js';
import type { OciConfig } from './config.js';

export function bundleWarnings(config: OciConfig, host: HostFacts): string[] {
  const lacking = withheld(config);
  return [
    ...warnings(config, host),
    ...(lacking.length > 0 ? [`capabilities this runtime does not have itself cannot be granted: ${lacking.join(', ')}`] : []),
    ...(ignoresLabel(config, host) ? ['linux.mountLabel is ignored: SELinux is not in force on this machine'] : []),
  ];
}

export function ignoresLabel({ linux }: OciConfig, { modules }: HostFacts): boolean {
  return Boolean(linux?.mountLabel) && !modules.has('selinux');
}

/** A user namespace of the container's own has them all. */
function withheld(config: OciConfig): string[] {
  if (newNamespaces(config).has('user')) return [];
  const own = BigInt(`0x${/^CapPrm:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
  const named = new Set(Object.values(config.process?.capabilities ?? {}).flat() as string[]);
  return CAPABILITIES.filter((name, bit) => named.has(name) && !((own >> BigInt(bit)) & 1n));
}
