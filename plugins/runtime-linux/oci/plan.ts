/**
 * A bundle and what its caller wants in, the plan of an executor that serves one request out. Called by `launch.ts`. The
 * topics are those of `plan/`; what is different here is the root, the waiting and the descriptors.
 */
import type { Oci } from '@core/core/plugin';
import { MS } from '../constants.js';
import { cgroupNamespace, cgroupSteps } from '../plan/cgroup.js';
import { deviceSteps } from '../plan/devices.js';
import { PlanDraft } from '../plan/draft.js';
import { containerGroups } from '../plan/groups.js';
import { idMaps, outside, timeOffsets } from '../plan/ids.js';
import type { HostFacts } from '../plan/input.js';
import { mountSteps } from '../plan/mounts.js';
import { cloneFlags, joinSteps } from '../plan/namespaces.js';
import { identitySteps, processSteps } from '../plan/process.js';
import { protectionSteps } from '../plan/protection.js';
import { rootPropagation, rootReadonly } from '../plan/rootfs.js';
import type { ChildStep, MonitorStep, Plan } from '../protocol.js';
import type { Bundle } from './config.js';
import { withEveryGroup } from './groups.js';
import { hookSteps } from './hooks.js';
import { GO, publicState, RESULT, type ContainerRecord } from './state.js';

/** Whether the process waits for `start`, or goes on by itself, with or without somebody who stays with it. */
export type LaunchMode = 'create' | 'detached' | 'foreground';

export interface OciPlanInput {
  readonly bundle: Bundle;
  readonly folder: string;
  readonly host: HostFacts;
  /** As it will be recorded; the pid is not known yet. */
  readonly record: ContainerRecord;
  readonly mode: LaunchMode;
  readonly noPivot: boolean;
  readonly fds: number;
  readonly console: string | undefined;
}

/** Steps that only an executor for one request knows. */
type OnceStep =
  | readonly ['fifo', path: string, mode: number]
  | readonly ['sync', name: string]
  | readonly ['lookup']
  | readonly ['hold', go: number, result: number]
  | readonly ['hook', path: string, argv: readonly string[], env: readonly string[], seconds: number, head: string, tail: string];

export interface OncePlan extends Omit<Plan, 'prepare' | 'setup' | 'io'> {
  readonly prepare: readonly (MonitorStep | OnceStep)[];
  readonly setup: readonly (ChildStep | OnceStep)[];
  readonly io: OnceIo;
  readonly detach: boolean;
}

export interface OnceIo {
  readonly terminal: boolean;
  readonly rows: number;
  readonly cols: number;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly log: null;
  readonly inherit: boolean;
  readonly fds: number;
  readonly console?: string;
  readonly owner?: readonly [uid: number, gid: number];
}

/** Names under which the executor asks before it goes on. */
export const SYNC_HOOKS = 'hooks';
export const SYNC_START = 'start';

export function compileOciPlan(input: OciPlanInput): OncePlan {
  const draft = draftOf(input);
  const { config } = input.bundle;
  const groups = cgroupSteps(draft);
  cgroupNamespace(draft);
  joinSteps(draft);
  rootSteps(draft, input);
  mountSteps(draft);
  deviceSteps(draft);
  for (const [name, value] of Object.entries(config.linux?.sysctl ?? {})) draft.setup.push(['sysctl', name, value]);
  const { cwd = '/' } = config.process ?? {};
  // The root may be read-only by the time it is entered.
  if (cwd !== '/') draft.setup.push(['folder', cwd, 0o755]);
  protectionSteps(draft);
  rootReadonly(draft);
  const inRuntime = draft.setup.splice(0);
  rootPropagation(draft);
  identitySteps(draft);
  processSteps(draft);
  const exec = draft.setup.pop() as ChildStep;
  const waiting = waitSteps(draft, input);
  return {
    id: input.record.id,
    dir: input.folder,
    clone: cloneFlags(config),
    ...groups,
    // Somebody else's group, with somebody else's processes in it, is none of ours to empty.
    cgroups: groups.cgroups.filter((folder) => input.record.made.includes(folder)),
    ...idMaps(config),
    ...timeOffsets(config),
    prepare: [...draft.prepare, ...waiting.prepare],
    mapped: draft.mapped,
    setup: [['propagation', outerPropagation(config)], ...inRuntime, ...runtimeHooks(input), [input.noPivot ? 'chroot' : 'pivot'], ...draft.setup, ['lookup'], ...waiting.setup, exec],
    teardown: draft.teardown.filter(([, path]) => typeof path === 'string' && input.record.made.includes(path)),
    io: onceIo(config, { fds: input.fds, console: input.console }),
    detach: input.mode !== 'foreground',
  };
}

function draftOf({ bundle, folder, host, record }: OciPlanInput): PlanDraft {
  const path = record.cgroup;
  const limited = containerGroups(host.cgroups, { path, resources: bundle.config.linux?.resources ?? {} });
  return new PlanDraft({
    id: record.id,
    spec: bundle.config,
    rootfs: { kind: 'folder', path: bundle.rootfs },
    io: { stdin: false, stdinOnce: false, log: null },
    paths: { dir: folder, state: folder, upper: `${folder}/upper`, work: `${folder}/work`, cgroup: path },
    host,
    groups: withEveryGroup(host.cgroups, { groups: limited, path }),
  });
}

/** Nothing that is mounted from here on reaches the machine; with `shared` or `slave` what the machine mounts reaches the container. */
function outerPropagation({ linux }: Oci.Spec): number {
  const wanted = linux?.rootfsPropagation;
  return MS_REC | (wanted === 'private' || wanted === 'unbindable' ? MS.PRIVATE : MS.SLAVE);
}

const MS_REC = 0x4000;

/** Its owners are the container's already, with a user namespace or without: it is never mapped. */
function rootSteps(draft: PlanDraft, { bundle }: OciPlanInput): void {
  const slot = draft.slot();
  draft.prepare.push(['tree', slot, bundle.rootfs, true, false, true]);
  // A folder of a shared mount is shared itself, which pivot_root refuses, and would hand on to the machine what is mounted in it.
  draft.setup.push(['root', slot], ['attr', '/', 0, 0, MS.SLAVE, true]);
}

/** In the order of the specification: the machine's side first, then the container's namespaces, then the new root. */
function runtimeHooks({ bundle, record }: OciPlanInput): OnceStep[] {
  const { prestart = [], createRuntime = [], createContainer = [] } = bundle.config.hooks ?? {};
  return [
    ...(prestart.length + createRuntime.length > 0 ? [['sync', SYNC_HOOKS] as const] : []),
    ...hookSteps(createContainer, { state: publicState(record, 'creating'), inherited: ownEnvironment() }),
  ];
}

function ownEnvironment(): string[] {
  return Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`);
}

function waitSteps(draft: PlanDraft, { bundle, folder, record, mode }: OciPlanInput): { readonly prepare: (MonitorStep | OnceStep)[]; readonly setup: OnceStep[] } {
  const hooks = hookSteps(bundle.config.hooks?.startContainer ?? [], { state: publicState(record, 'created'), inherited: bundle.config.process?.env ?? [] });
  if (mode !== 'create') return { prepare: [], setup: [['sync', SYNC_START], ...hooks] };
  const [go, result] = [draft.slot(), draft.slot()];
  const paths = [GO, RESULT].map((name) => `${folder}/${name}`);
  const O_RDWR = 2;
  return {
    prepare: [...paths.map((path) => ['fifo', path, 0o600] as const), ...paths.map((path, index) => ['open', index === 0 ? go : result, path, O_RDWR] as const)],
    setup: [['hold', go, result], ...hooks],
  };
}

export interface Descriptors {
  readonly fds: number;
  readonly console: string | undefined;
}

export function onceIo(config: Oci.Spec, { fds, console }: Descriptors): OnceIo {
  const { terminal = false, consoleSize, user } = config.process as Oci.Process;
  return {
    terminal,
    rows: consoleSize?.height ?? 0,
    cols: consoleSize?.width ?? 0,
    stdin: false,
    stdinOnce: false,
    log: null,
    inherit: !terminal,
    fds,
    ...(console !== undefined && { console }),
    ...stdioOwner(config, user),
  };
}

/** Pipes of the caller's become the user's, who could not open /dev/stdout again otherwise. */
function stdioOwner({ linux }: Oci.Spec, { uid, gid }: Oci.User): Pick<OnceIo, 'owner'> {
  const owner = [outside(linux?.uidMappings ?? [], uid), outside(linux?.gidMappings ?? [], gid)] as const;
  return owner[0] === 0 && owner[1] === 0 ? {} : { owner };
}
