/** The plan while it is being written: lists of steps and the count of slots. Handed through the topics of `plan/`. */
import { CoreError, type Oci } from '@core/core/plugin';
import { MAX_SLOTS, type ChildStep, type MonitorStep } from '../protocol.js';
import { containerGroups, type Group } from './groups.js';
import type { PlanInput } from './input.js';

export class PlanDraft {
  readonly prepare: MonitorStep[] = [];
  readonly mapped: MonitorStep[] = [];
  readonly setup: ChildStep[] = [];
  readonly teardown: MonitorStep[] = [];
  /** The types of which the container gets a new namespace. */
  readonly own: ReadonlySet<Oci.NamespaceType>;
  /** Whether the user namespace is among them. */
  readonly userns: boolean;
  /** Whether the container's root is root of a user namespace, its own or the executor's, so that the machine's root powers are missing. */
  readonly unprivileged: boolean;
  /** The container's groups, one per hierarchy, the v2 one first. */
  readonly groups: readonly Group[];
  #slots = 0;

  constructor(readonly input: PlanInput) {
    this.own = newNamespaces(input.spec);
    this.userns = this.own.has('user');
    this.unprivileged = this.userns || joinsUser(input.spec) || input.host.rootless !== undefined;
    this.groups = input.groups ?? containerGroups(input.host.cgroups, { path: input.paths.cgroup, resources: input.spec.linux?.resources ?? {} });
  }

  get spec(): Oci.Spec {
    return this.input.spec;
  }

  slot(): number {
    if (this.#slots === MAX_SLOTS) {
      throw new CoreError('E_INVALID', {
        message: `the container needs more than ${MAX_SLOTS} mounts, groups and namespaces`,
        object: { kind: 'container', id: this.input.id },
        issues: [{ path: 'spec.mounts', message: 'too many mounts' }],
      });
    }
    this.#slots += 1;
    return this.#slots - 1;
  }
}

/** The types of which the container gets a new namespace, as opposed to joining one or sharing the machine's. */
export function newNamespaces(spec: Oci.Spec): Set<Oci.NamespaceType> {
  return new Set((spec.linux?.namespaces ?? []).filter((namespace) => namespace.path === undefined).map((namespace) => namespace.type));
}

function joinsUser({ linux }: Oci.Spec): boolean {
  return (linux?.namespaces ?? []).some(({ type, path }) => type === 'user' && path !== undefined);
}
