/**
 * A bundle and what its caller wants in, the plan of an executor that serves one request out. Called by `launch.ts`. The
 * topics are those of `plan/`; what is different here is the root, the waiting and the descriptors.
 */
import type { Oci } from '@core/core/plugin';
import { CLONE, MS } from '../constants.js';
import { cgroupNamespace, cgroupSteps } from '../plan/cgroup.js';
import { deviceSteps } from '../plan/devices.js';
import { PlanDraft } from '../plan/draft.js';
import { containerGroups } from '../plan/groups.js';
import { idMaps, outside, timeOffsets } from '../plan/ids.js';
import type { HostFacts } from '../plan/input.js';
import { mountSteps } from '../plan/mounts.js';
import { netDeviceSteps } from '../plan/net-devices.js';
import { identitySteps, processSteps } from '../plan/process.js';
import { protectionSteps } from '../plan/protection.js';
import { rootPropagation, rootReadonly } from '../plan/rootfs.js';
import type { ChildStep, MonitorStep, Plan } from '../protocol.js';
import type { Bundle } from './config.js';
import { withEveryGroup } from './groups.js';
import { keepsGroups, withCallersGroups } from './groups-kept.js';
import { hookSteps } from './hooks.js';
import { listenerMessage, listenerPath } from './listener.js';
import { joinNamespaces, joins, type NamespacePlan } from './namespaces.js';
import { removalSteps, sharedRoot, sharesMounts } from './shared-root.js';
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

type TreeStep = Extract<MonitorStep, readonly ['tree', ...unknown[]]>;

/** Steps that only an executor for one request knows. */
type OnceStep =
  | readonly ['fifo', path: string, mode: number]
  | readonly ['sync', name: string]
  | readonly ['lookup']
  | readonly ['hold', go: number, result: number]
  | readonly ['hook', path: string, argv: readonly string[], env: readonly string[], seconds: number, head: string, tail: string];

export interface OncePlan extends Omit<Plan, 'prepare' | 'setup' | 'io' | 'clone' | 'pidns'>, NamespacePlan {
  readonly prepare: readonly (MonitorStep | OnceStep)[];
  readonly setup: readonly (ChildStep | TreeStep | OnceStep)[];
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
  const namespaces = joinNamespaces(draft);
  netDeviceSteps(draft, laterNetwork(draft));
  rootSteps(draft, input);
  mountSteps(draft);
  deviceSteps(draft);
  for (const [name, value] of Object.entries(config.linux?.sysctl ?? {})) draft.setup.push(['sysctl', name, value]);
  const { cwd = '/' } = config.process ?? {};
  // The root may be read-only by the time it is entered.
  if (cwd !== '/') draft.setup.push(['folder', cwd, 0o755]);
  protectionSteps(draft);
  rootReadonly(draft);
  const inRuntime = inOrder(draft, draft.setup.splice(0));
  if (!sharesMounts(config)) rootPropagation(draft);
  identitySteps(draft);
  processSteps(draft);
  if (keepsGroups(config)) draft.setup.splice(0, draft.setup.length, ...draft.setup.map(withCallersGroups));
  const { args = [] } = config.process ?? {};
  const waiting = waitSteps(draft, input);
  return {
    id: input.record.id,
    dir: input.folder,
    ...groups,
    ...namespaces,
    // Somebody else's group, with somebody else's processes in it, is none of ours to empty.
    cgroups: groups.cgroups.filter((folder) => input.record.made.includes(folder)),
    ...idMaps(config),
    ...timeOffsets(config),
    prepare: [...draft.prepare, ...waiting.prepare],
    mapped: draft.mapped,
    setup: [...outerPropagation(config), ...inRuntime, ...runtimeHooks(input), [input.noPivot || sharesMounts(config) ? 'chroot' : 'pivot'], ...commandSteps(draft.setup, { waiting: waiting.setup, args })],
    teardown: [
      ...draft.teardown.filter(([, path]) => typeof path === 'string' && input.record.made.includes(path)),
      ...(sharesMounts(config) ? removalSteps(input) : []),
    ],
    io: onceIo(config, { fds: input.fds, console: input.console }),
    detach: input.mode !== 'foreground',
  };
}

/**
 * A tree is opened right before it is mounted, by the child, which sees the machine's mounts: so mounts are listed in the order they were asked for.
 * Root of a user namespace might not get at all of them.
 */
function inOrder(draft: PlanDraft, setup: readonly ChildStep[]): (ChildStep | TreeStep)[] {
  if (draft.unprivileged || joins(draft.spec, 'mount')) return [...setup];
  const trees = new Map(draft.prepare.filter((step) => step[0] === 'tree').map((step) => [step[1], step]));
  const ordered = setup.flatMap((step) => {
    const tree = step[0] === 'mount' ? trees.get(step[1]) : undefined;
    return tree ? [tree, step] : [step];
  });
  const moved = new Set<unknown>(ordered);
  draft.prepare.splice(0, draft.prepare.length, ...draft.prepare.filter((step) => !moved.has(step)));
  return ordered;
}

/** The command is looked for before a filter that comes last can deny it; what waits does so right before it executes. */
function commandSteps(setup: readonly ChildStep[], { waiting, args }: { readonly waiting: readonly OnceStep[]; readonly args: readonly string[] }): (ChildStep | OnceStep)[] {
  const end = setup.length - 1;
  // Without a process it waits for its end alone.
  if (args.length === 0) return [...setup.slice(0, end), ...waiting, ['exec', ['/'], [], false]];
  const last = setup[end - 1]?.[0] === 'seccomp' ? end - 1 : end;
  return [...setup.slice(0, last), ['lookup'], ...setup.slice(last, end), ...waiting, ...setup.slice(end)];
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
    listenerMessage: listenerPath(bundle.config) === undefined ? undefined : listenerMessage(record, 'creating'),
  });
}

/** Nothing that is mounted from here on reaches the machine; with `shared` or `slave` what the machine mounts reaches the container. */
function outerPropagation(spec: Oci.Spec): ChildStep[] {
  const wanted = spec.linux?.rootfsPropagation;
  if (sharesMounts(spec)) return [];
  return [['propagation', MS_REC | (wanted === 'private' || wanted === 'unbindable' ? MS.PRIVATE : MS.SLAVE)]];
}

const MS_REC = 0x4000;

/** The slot of the network the process joins by itself. */
function laterNetwork({ setup }: PlanDraft): number | undefined {
  const join = setup.find((step) => step[0] === 'setns' && step[2] === CLONE.NEWNET);
  return join?.[0] === 'setns' ? join[1] : undefined;
}

/** Its owners are the container's already, with a user namespace or without: it is never mapped. */
function rootSteps(draft: PlanDraft, input: OciPlanInput): void {
  const { bundle } = input;
  const slot = draft.slot();
  if (sharesMounts(draft.spec)) {
    // At a place of its own: whatever is mounted at the bundle's root stays when this is taken away.
    const place = sharedRoot(input);
    draft.prepare.push(['mkdir', place, 0o700], ['tree', slot, bundle.rootfs, true, false, true]);
    draft.setup.push(['rootat', slot, place], ['attr', '/', 0, 0, MS.PRIVATE, true]);
    return;
  }
  draft.prepare.push(['tree', slot, bundle.rootfs, true, false, true]);
  // A folder of a shared mount is shared itself, which pivot_root refuses, and would hand on to the machine what is mounted in it.
  draft.setup.push(showsMounts(bundle.config) ? ['rootat', slot, bundle.rootfs] : ['root', slot], ['attr', '/', 0, 0, MS.SLAVE, true]);
}

/** To hooks of the machine's side that are called in the container's mount namespace: they look where the bundle has its root. A mapped root user might not reach that place. */
function showsMounts({ hooks, linux }: Bundle['config']): boolean {
  return (hooks?.createContainer ?? []).length > 0 && !(linux?.namespaces ?? []).some(({ type }) => type === 'user');
}

/** In the order of the specification: the machine's side first, then the container's namespaces, then the new root. */
function runtimeHooks({ bundle, record }: OciPlanInput): OnceStep[] {
  const { prestart = [], createRuntime = [], createContainer = [] } = bundle.config.hooks ?? {};
  return [
    ...(prestart.length + createRuntime.length > 0 ? [['sync', SYNC_HOOKS] as const] : []),
    ...hookSteps(createContainer, { state: publicState(record, 'created'), inherited: ownEnvironment() }),
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
