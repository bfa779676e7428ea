/**
 * An OCI spec and facts in, the executor's plan out. A pure function, golden-tested. Called by `driver.ts` at `create`; each
 * topic adds its steps in the order the container needs them.
 */
import type { Plan, PlanIo } from '../protocol.js';
import { cgroupNamespace, cgroupSteps } from './cgroup.js';
import { deviceSteps } from './devices.js';
import { PlanDraft } from './draft.js';
import { idMaps, pipeOwner, timeOffsets } from './ids.js';
import type { PlanInput } from './input.js';
import { mountSteps } from './mounts.js';
import { cloneFlags, joinSteps } from './namespaces.js';
import { protectionSteps } from './protection.js';
import { identitySteps, processSteps } from './process.js';
import { userNetwork } from './user-network.js';
import { rootPropagation, rootReadonly, rootSteps } from './rootfs.js';

export type { HostFacts, Paths, PlanInput } from './input.js';

export function compilePlan(input: PlanInput): Plan {
  const draft = new PlanDraft(input);
  const groups = cgroupSteps(draft);
  cgroupNamespace(draft);
  const joined = joinSteps(draft);
  const clone = userNetwork(draft, cloneFlags(input.spec));
  rootSteps(draft);
  mountSteps(draft);
  deviceSteps(draft);
  // Written while the container's /proc/sys can still be written to.
  for (const [name, value] of Object.entries(input.spec.linux?.sysctl ?? {})) draft.setup.push(['sysctl', name, value]);
  protectionSteps(draft);
  rootReadonly(draft);
  draft.setup.push(['pivot']);
  rootPropagation(draft);
  identitySteps(draft);
  processSteps(draft);
  return {
    id: input.id,
    dir: input.paths.dir,
    ...(input.record && { record: input.record }),
    clone,
    ...groups,
    ...joined,
    ...idMaps(input.spec),
    ...timeOffsets(input.spec),
    prepare: draft.prepare,
    mapped: draft.mapped,
    setup: draft.setup,
    teardown: draft.teardown,
    io: planIo(input),
  };
}

const DEFAULT_LOG = { maxBytes: 10 * 1024 * 1024, maxFiles: 3 };

export function planIo({ spec, io, paths }: Pick<PlanInput, 'spec' | 'io' | 'paths'>): PlanIo {
  const { maxBytes = DEFAULT_LOG.maxBytes, maxFiles = DEFAULT_LOG.maxFiles } = io.log ?? {};
  return {
    terminal: spec.process?.terminal ?? false,
    rows: spec.process?.consoleSize?.height ?? 24,
    cols: spec.process?.consoleSize?.width ?? 80,
    stdin: io.stdin,
    stdinOnce: io.stdinOnce,
    log: io.log === null ? null : { path: `${paths.state}/log`, maxBytes: maxBytes > 0xffffffff ? BigInt(maxBytes) : maxBytes, maxFiles },
    ...pipeOwner(spec),
  };
}
