/**
 * Conformance of `runtime@1`. Comes in: a runtime and how its containers are described. Goes out: the cases of `lifecycle`,
 * `output` and `upkeep`. The root filesystem must hold `sh`, `sleep`, `cat`, `echo` and `env`.
 */
import { Runtime, type CreateRequest } from '../contracts/index.js';
import { conformance, type Subject } from './conformance.js';
import { lifecycleCases } from './runtime-lifecycle.js';
import { outputCases } from './runtime-output.js';
import { upkeepCases } from './runtime-upkeep.js';

export interface RuntimeSubject extends Subject<Runtime> {
  /** A container with this command, as little confined as the runtime likes. */
  request(id: string, args: readonly string[], options?: RequestOptions): CreateRequest;
  /** Another instance over the same machine, as after a restart of the kernel. Absent: adoption is not tested. */
  restart?(): Promise<Runtime>;
}

export interface RequestOptions {
  readonly stdin?: boolean | undefined;
  readonly terminal?: boolean | undefined;
  readonly env?: readonly string[] | undefined;
}

export const runtimeConformance = conformance<Runtime, RuntimeSubject>(Runtime, { ...lifecycleCases, ...outputCases, ...upkeepCases });
