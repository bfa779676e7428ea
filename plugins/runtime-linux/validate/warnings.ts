/** What a spec asks for and the specification lets a runtime leave out, with a warning. Called by `lifecycle/create.ts`. */
import type { Oci } from '@core/core/plugin';
import { CAPABILITIES } from '../constants.js';
import type { HostFacts } from '../plan/input.js';

export function warnings({ ociVersion, process, linux }: Oci.Spec, { lastCapability }: HostFacts): string[] {
  const known = new Set(CAPABILITIES.slice(0, lastCapability + 1));
  const named = new Set(Object.values(process?.capabilities ?? {}).flat() as string[]);
  const ignored = [...named].filter((name) => !known.has(name));
  return [
    ...(Number(ociVersion.split('.')[1]) > 3 ? [`what is new in version ${ociVersion} of the specification is ignored`] : []),
    ...(ignored.length > 0 ? [`capabilities this kernel does not have are ignored: ${ignored.join(', ')}`] : []),
    ...((linux?.resources?.memory?.kernel ?? -1) > 0 ? ['memory.kernel is ignored: kernels keep no such limit any more'] : []),
  ];
}
