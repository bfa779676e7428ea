/**
 * Settings and an image's config in, an OCI spec out, with this runtime's own defaults. Called by `driver.ts` for
 * `runtime.spec`. Changes nothing; the only thing read is which numbers the host's devices have.
 */
import type { Oci, SpecRequest } from '@core/core/plugin';
import { defaultProfile } from '../seccomp/profile.js';
import { Issues } from '../issues.js';
import { INIT_ANNOTATION } from '../plan/process.js';
import { NETWORK_ANNOTATION } from '../plan/user-network.js';
import type { RootlessFacts } from '../rootless/facts.js';
import { checkRootless, onlyOrdinary } from '../rootless/settings.js';
import { boundingSet } from './capabilities.js';
import { containerDevices } from './devices.js';
import { containerMounts } from './mounts.js';
import { idMappings, namespaces, timeOffsets, type IdDefaults } from './namespaces.js';
import { MASKED_PATHS, READONLY_PATHS } from './paths.js';
import { containerProcess, hostnameOf } from './process.js';
import { containerResources } from './resources.js';
import { checkSysctls } from './sysctls.js';

export interface SpecDefaults {
  /** Outside ids of a private user namespace without mappings of its own. */
  readonly ids: IdDefaults;
  readonly lastCapability: number;
  /** What containers with a network by a program get as /etc/resolv.conf. */
  readonly resolver?: string | undefined;
  /** The container is in the executor's user namespace. */
  readonly rootless?: RootlessFacts | undefined;
}

/** Throws E_INVALID with the JSON path of every fault in `settings`. */
export async function buildSpec({ id, settings, image }: SpecRequest, defaults: SpecDefaults): Promise<Oci.Spec> {
  const issues = new Issues();
  const capabilities = boundingSet(settings, { lastCapability: defaults.lastCapability, issues });
  const process = containerProcess({ id, settings, image }, { capabilities, issues });
  checkSysctls(settings, issues);
  if (settings.network === 'user' && !defaults.rootless) throw onlyOrdinary(id);
  if (defaults.rootless) checkRootless(settings, { rootless: defaults.rootless, id });
  const [devices, resources] = await Promise.all([containerDevices(settings, issues), containerResources(settings, issues)]);
  const mounts = containerMounts(settings, { issues, rootless: defaults.rootless, resolver: defaults.resolver });
  issues.done('cannot make a spec of these settings', { kind: 'container', id });
  const hostname = hostnameOf({ id, settings });
  return {
    ociVersion: '1.2.1',
    root: { path: 'rootfs', readonly: settings.readonly ?? false },
    process,
    ...(hostname !== undefined && { hostname }),
    ...(settings.domainname !== undefined && { domainname: settings.domainname }),
    mounts,
    annotations: { ...settings.annotations, ...(settings.init && { [INIT_ANNOTATION]: 'true' }), ...(settings.network === 'user' && { [NETWORK_ANNOTATION]: 'user' }) },
    linux: {
      namespaces: namespaces(settings),
      ...idMappings(settings, defaults.ids),
      ...timeOffsets(settings),
      devices: devices.nodes,
      resources: { ...resources, devices: devices.rules },
      ...(Object.keys(settings.sysctls ?? {}).length > 0 && { sysctl: { ...settings.sysctls } }),
      ...seccomp(settings, capabilities),
      maskedPaths: [...(settings.maskedPaths ?? (settings.privileged ? [] : MASKED_PATHS))],
      readonlyPaths: [...(settings.readonlyPaths ?? (settings.privileged ? [] : READONLY_PATHS))],
    },
  };
}

function seccomp({ seccomp: wanted, privileged }: SpecRequest['settings'], capabilities: readonly string[]): Pick<Oci.Linux, 'seccomp'> {
  if (wanted === 'unconfined' || (wanted === undefined && privileged)) return {};
  if (wanted === undefined || wanted === 'default') return { seccomp: defaultProfile(capabilities) };
  return { seccomp: wanted };
}
