/** From the new root to execve: names, limits, user, capabilities, seccomp. Called by `plan/index.ts` and, for execs, `exec.ts`. */
import type { Oci } from '@core/core/plugin';
import { capabilityMasks } from '../capabilities.js';
import { RLIMITS, SECCOMP_FLAGS, U64_MAX } from '../constants.js';
import type { ProcessStep } from '../protocol.js';
import { seccompProgram } from '../seccomp/cache.js';
import type { PlanDraft } from './draft.js';
import type { HostFacts } from './input.js';
import { tuningSteps } from './tuning.js';

/** Annotation that asks for an init as pid 1; the OCI spec has no field for it. */
export const INIT_ANNOTATION = 'core.init';

export function identitySteps(draft: PlanDraft): void {
  const { spec } = draft;
  if (spec.hostname) draft.setup.push(['hostname', spec.hostname]);
  if (spec.domainname) draft.setup.push(['domainname', spec.domainname]);
  if (draft.own.has('network')) draft.setup.push(['loopback']);
}

export function processSteps(draft: PlanDraft): void {
  const { spec } = draft;
  const process = spec.process as Oci.Process;
  const init = spec.annotations?.[INIT_ANNOTATION] === 'true';
  draft.setup.push(
    ...rlimitSteps(process),
    ...(process.oomScoreAdj === undefined ? [] : [['oom', process.oomScoreAdj] as const]),
    ['session'],
    ...tuningSteps(process, spec.linux),
    ...userSteps(process, { seccomp: spec.linux?.seccomp, init, groupsStay: groupsStay(draft.input.host), listener: listenerOf(draft) }),
  );
}

/** Connected to in time: who does not listen gets no container. */
function listenerOf(draft: PlanDraft): Listener | undefined {
  const { spec, input } = draft;
  const path = spec.linux?.seccomp?.listenerPath;
  if (!path || !input.listenerMessage) return undefined;
  const socket = draft.slot();
  draft.prepare.push(['connect', socket, path]);
  return { socket, message: input.listenerMessage };
}

/** With a single id in the map. */
export function groupsStay({ rootless }: HostFacts): boolean {
  return rootless !== undefined && !rootless.helpers;
}

/** rlimits first: raising a hard limit takes a capability. */
export function rlimitSteps(process: Oci.Process): ProcessStep[] {
  return (process.rlimits ?? []).map(({ type, soft, hard }) => ['rlimit', RLIMITS[type] ?? 0, limit(soft), limit(hard)]);
}

export interface Confinement {
  /** The kernel lets nobody change groups in this user namespace. */
  readonly groupsStay?: boolean | undefined;
  readonly seccomp: Oci.Seccomp | undefined;
  readonly init: boolean;
  readonly listener?: Listener | undefined;
}

/** Who takes the listener of the filter. */
export interface Listener {
  /** The slot of the connected socket. */
  readonly socket: number;
  readonly message: readonly string[];
}

/** Everything after the session: umask, folder, user, capabilities, no_new_privs, filter, execve. */
export function userSteps(process: Oci.Process, { seccomp, init, groupsStay = false, listener }: Confinement): ProcessStep[] {
  const { user, env = [] } = process;
  const filter: ProcessStep[] = seccomp ? [seccompStep(seccomp, listener)] : [];
  const home = !env.some((entry) => entry.startsWith('HOME='));
  const who = ['user', user.username ?? null, user.uid, user.gid, user.additionalGids ?? [], home] as const;
  const identity: ProcessStep[] = [
    groupsStay ? [...who, true] : who,
    ['caps', ...capabilityMasks(process.capabilities ?? {})],
  ];
  // Without no_new_privs a filter takes CAP_SYS_ADMIN, so it has to come before the capabilities go.
  const last: ProcessStep[] = process.noNewPrivileges ? [...identity, ['nnp'], ...filter] : [...filter, ...identity];
  return [
    ...(user.umask === undefined ? [] : [['umask', user.umask] as const]),
    ['cwd', process.cwd, true],
    ...last,
    ['exec', process.args, env, init],
  ];
}

/** The kernel refuses how a listener waits where there is none, and to bring a listener to all threads, of which there is one. */
function seccompStep(seccomp: Oci.Seccomp, listener: Listener | undefined): ProcessStep {
  const without = listener ? 'SECCOMP_FILTER_FLAG_TSYNC' : 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV';
  const flags = (seccomp.flags ?? []).filter((name) => name !== without).reduce((all, name) => all | (SECCOMP_FLAGS[name] ?? 0), 0);
  const program = seccompProgram(seccomp);
  return listener ? ['seccomp', program, flags, listener.socket, listener.message] : ['seccomp', program, flags];
}

function limit(value: number): bigint {
  return value < 0 || value >= 2 ** 64 ? U64_MAX : BigInt(Math.trunc(value));
}

