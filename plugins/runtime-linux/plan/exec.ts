/** A command to run inside a running container, as the monitor's exec plan. Called by `lifecycle/process.ts`; `oci/exec.ts` takes the steps. */
import type { ExecRequest, Oci } from '@core/core/plugin';
import { allCapabilities } from '../capabilities.js';
import type { ExecPlan } from '../protocol.js';
import { mergeEnv } from '../spec/env.js';
import { pipeOwner } from './ids.js';
import type { HostFacts } from './input.js';
import { execNamespaces } from './namespaces.js';
import { groupsStay, rlimitSteps, userSteps, type Listener } from './process.js';
import { maskOf, tuningSteps } from './tuning.js';

export interface ExecInput {
  readonly execId: string;
  readonly request: ExecRequest;
  readonly spec: Oci.Spec;
  readonly host: HostFacts;
  /** The v2 folder, and the `tasks` files of the v1 groups the container is in. */
  readonly cgroup: string | undefined;
  readonly tasks: readonly string[];
}

export function compileExec({ execId, request, spec, host, cgroup, tasks }: ExecInput): ExecPlan {
  const process = execProcess(request, { base: spec.process as Oci.Process, lastCapability: host.lastCapability });
  return {
    exec: execId,
    ...execAffinity(process),
    ...(cgroup !== undefined && { cgroup }),
    tasks,
    namespaces: execNamespaces(spec),
    steps: execSteps(process, { linux: spec.linux, seccomp: request.privileged ? undefined : spec.linux?.seccomp, groupsStay: groupsStay(host) }),
    terminal: request.terminal ?? false,
    rows: request.size?.rows ?? 24,
    cols: request.size?.columns ?? 80,
    stdin: request.stdin ?? false,
    detach: request.detach ?? false,
    ...pipeOwner(spec),
  };
}

interface Surroundings {
  readonly linux: Oci.Linux | undefined;
  readonly seccomp: Oci.Seccomp | undefined;
  readonly groupsStay?: boolean;
  readonly listener?: Listener | undefined;
}

/** What the process does to itself on its way to execve. */
export function execSteps(process: Oci.Process, { linux, seccomp, groupsStay = false, listener }: Surroundings): ExecPlan['steps'] {
  const { final } = process.execCPUAffinity ?? {};
  return [
    ...rlimitSteps(process),
    ...(process.oomScoreAdj === undefined ? [] : [['oom', process.oomScoreAdj] as const]),
    ['session'],
    ...(final ? [['affinity', maskOf(final)] as const] : []),
    ...tuningSteps(process, linux),
    ...userSteps(process, { seccomp, init: false, groupsStay, listener }),
  ];
}

/** The cpus of whoever brings it into the container. */
export function execAffinity({ execCPUAffinity: { initial } = {} }: Oci.Process): Pick<ExecPlan, 'affinity'> {
  return initial ? { affinity: maskOf(initial) } : {};
}

/** The container's process, with what the request replaces. */
function execProcess(request: ExecRequest, { base, lastCapability }: { readonly base: Oci.Process; readonly lastCapability: number }): Oci.Process {
  const every = allCapabilities(lastCapability);
  const terminal = request.terminal && !base.env?.some((entry) => entry.startsWith('TERM=')) ? ['TERM=xterm'] : [];
  return {
    ...base,
    args: [...request.args],
    cwd: request.cwd ?? base.cwd,
    env: mergeEnv([...(base.env ?? []), ...terminal], request.env ?? []),
    user: request.user === undefined ? base.user : { uid: 0, gid: 0, username: request.user, ...(base.user.umask !== undefined && { umask: base.user.umask }) },
    noNewPrivileges: request.privileged ? false : (base.noNewPrivileges ?? false),
    ...(request.privileged && { capabilities: { bounding: every, effective: every, permitted: every } }),
  };
}
