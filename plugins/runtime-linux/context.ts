/** What the parts of one driver share. Made by `driver.ts`, handed to every part. */
import { CoreError, type RuntimeEvent } from '@core/core/plugin';
import type { Container } from './container.js';
import type { EventHub } from './events.js';
import type { Executor } from './executor.js';
import type { TreeRemover } from './link/trees.js';
import type { HostFacts, Paths } from './plan/input.js';
import type { PlanTemplates } from './plan/templates.js';
import type { IdDefaults } from './spec/namespaces.js';

/** Folders below `Folders.containers`; each has one per container that needs it. */
export const KINDS = ['kept', 'upper', 'work'] as const;

export interface Folders {
  /** `<root>/containers`. */
  readonly containers: string;
  /** `<runRoot>/c`: a run folder per container. */
  readonly run: string;
}

export interface Context {
  readonly executor: Executor;
  readonly trees: TreeRemover;
  readonly host: HostFacts;
  readonly folders: Folders;
  /** Where `core-oci` keeps the containers of other engines that are listed with ours. */
  readonly foreignRoot: string;
  /** The group above all containers of this driver, absolute in cgroup terms. */
  readonly cgroupParent: string;
  readonly ids: IdDefaults;
  readonly containers: Map<string, Container>;
  readonly templates: PlanTemplates;
  readonly events: EventHub<RuntimeEvent>;
  /** Keeps Node alive until the work has settled, though all it waits for be a notice. */
  readonly hold: <T>(work: Promise<T>) => Promise<T>;
  readonly warn: (message: string) => void;
  /** Controllers whose lack was told already. */
  readonly unmet: Set<string>;
  /** What containers with a network by a program get as /etc/resolv.conf. */
  readonly resolver: string | undefined;
  closed: boolean;
}

export function pathsOf({ folders, cgroupParent }: Pick<Context, 'folders' | 'cgroupParent'>, { id, cgroupsPath }: { readonly id: string; readonly cgroupsPath?: string | undefined }): Paths {
  return {
    dir: `${folders.run}/${id}`,
    state: `${folders.containers}/kept/${id}`,
    upper: `${folders.containers}/upper/${id}`,
    work: `${folders.containers}/work/${id}`,
    cgroup: cgroupsPath ?? `${cgroupParent}/${id}`,
  };
}

/** Throws E_NOT_FOUND. */
export function find({ containers }: Context, id: string): Container {
  const container = containers.get(id);
  if (container) return container;
  throw new CoreError('E_NOT_FOUND', { message: `no container has the id ${JSON.stringify(id)}`, object: { kind: 'container', id: String(id) } });
}
