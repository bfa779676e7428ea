/** `create`: checks, compiles, reserves. Nothing of the machine's is changed. Called by `driver.ts`. */
import { CoreError, type CreateRequest, type RuntimeStatus } from '@core/core/plugin';
import { Container } from '../container.js';
import { pathsOf, type Context } from '../context.js';
import { encode, Encoded } from '../link/frames.js';
import { compilePlan, type PlanInput } from '../plan/index.js';
import type { Paths } from '../plan/input.js';
import type { Plan } from '../protocol.js';
import { tellUnmet, unmetOf } from '../rootless/unmet.js';
import { recordText, type ContainerRecord } from '../records.js';
import { checkCreate } from '../validate/index.js';
import { warnings } from '../validate/warnings.js';

/** Throws E_EXISTS, E_INVALID, E_UNSUPPORTED. */
export function createContainer(context: Context, request: CreateRequest): RuntimeStatus {
  const { id, spec, rootfs } = request;
  const known = context.containers.get(id);
  // One that was adopted without its record, and is not running, is given it again.
  if (known && (known.record || known.isRunning)) {
    throw new CoreError('E_EXISTS', { message: `a container has the id ${id} already`, object: known.object });
  }
  const prepared = prepare(context, request);
  const record: ContainerRecord = { spec, rootfs, io: completeIo(request.io) };
  const paths = pathsOf(context, { id, cgroupsPath: spec.linux?.cgroupsPath });
  const container = new Container(id, paths, record, () => planOf(context, { id, paths, record }));
  container.encoded = prepared;
  container.unmet = unmetOf(spec, context.host);
  tellUnmet(context, container.unmet);
  if (known) {
    container.touched = known.touched;
    if (known.exit) container.markExited(known.exit);
  }
  context.containers.set(id, container);
  return container.status();
}

/** The encoded plan: made of that of a container like this one, which was checked, or checked and compiled now. */
function prepare(context: Context, request: CreateRequest): Encoded {
  const { templates } = context;
  const { id } = request;
  const text = textOf(request);
  const key = text === undefined ? undefined : templates.key(id, text);
  const made = key === undefined ? undefined : templates.instance(key, id);
  if (made) return new Encoded(made);
  checkCreate(request, context.host);
  const { spec, rootfs } = request;
  for (const warning of warnings(spec, context.host)) context.warn(`container ${id}: ${warning}`);
  const paths = pathsOf(context, { id, cgroupsPath: spec.linux?.cgroupsPath });
  const encoded = encode(planOf(context, { id, paths, record: { spec, rootfs, io: completeIo(request.io) } }));
  if (key !== undefined) templates.learn(key, { id, bytes: encoded.bytes });
  return encoded;
}

/** `undefined` for what is not even of the right shape, which the checks will name. */
function textOf({ spec, rootfs, io }: CreateRequest): string | undefined {
  try {
    return recordText({ spec, rootfs, io: completeIo(io) });
  } catch {
    return undefined;
  }
}

export function planOf({ host }: Context, { id, paths, record }: { readonly id: string; readonly paths: Paths; readonly record: ContainerRecord }): Plan {
  const { spec, rootfs, io } = record;
  return compilePlan({ id, spec, rootfs, io, paths, host, record: Buffer.from(recordText(record)) });
}

function completeIo({ stdin = false, stdinOnce = false, log = {} }: NonNullable<CreateRequest['io']> = {}): PlanInput['io'] {
  return { stdin, stdinOnce, log };
}
