/** `create`: checks, compiles, reserves. Nothing of the machine's is changed. Called by `driver.ts`. */
import { CoreError, type CreateRequest, type RuntimeStatus } from '@core/core/plugin';
import { Container } from '../container.js';
import { pathsOf, type Context } from '../context.js';
import { compilePlan, type PlanInput } from '../plan/index.js';
import type { Paths } from '../plan/input.js';
import type { Plan } from '../protocol.js';
import { encodeContainerRecord, type ContainerRecord } from '../records.js';
import { checkCreate } from '../validate/index.js';

/** Throws E_EXISTS, E_INVALID, E_UNSUPPORTED. */
export function createContainer(context: Context, request: CreateRequest): RuntimeStatus {
  checkCreate(request, context.host);
  const { id, spec, rootfs } = request;
  const known = context.containers.get(id);
  // One that was adopted without its record, and is not running, is given it again.
  if (known && (known.record || known.isRunning)) {
    throw new CoreError('E_EXISTS', { message: `a container has the id ${id} already`, object: known.object });
  }
  const record: ContainerRecord = { spec, rootfs, io: completeIo(request.io) };
  const paths = pathsOf(context, { id, cgroupsPath: spec.linux?.cgroupsPath });
  const container = new Container(id, paths, record, planOf(context, { id, paths, record }));
  if (known) {
    container.touched = known.touched;
    if (known.exit) container.markExited(known.exit);
  }
  context.containers.set(id, container);
  return container.status();
}

export function planOf({ host }: Context, { id, paths, record }: { readonly id: string; readonly paths: Paths; readonly record: ContainerRecord }): Plan {
  const { spec, rootfs, io } = record;
  return compilePlan({ id, spec, rootfs, io, paths, host, record: encodeContainerRecord(record) });
}

function completeIo({ stdin = false, stdinOnce = false, log = {} }: NonNullable<CreateRequest['io']> = {}): PlanInput['io'] {
  return { stdin, stdinOnce, log };
}
