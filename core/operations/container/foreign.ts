/**
 * Containers that another engine made by way of the runtime's own command. Comes in: the operations on our own. Goes out: the
 * same, which reach those as well. Called by `containers.ts`.
 *
 * They have no record: what is true of them is asked of the runtime each time. A name that one of ours has means ours.
 */
import type { ContainerDetails, ContainerInfo, ContainerName, ContainerOperations, ExitStatus, ForeignContainer, RuntimeStatus } from '../../contracts/index.js';
import { CoreError, isCoreError, toCoreError } from '../../errors/index.js';
import type { Context } from '../context.js';

type Foreign = RuntimeStatus & { readonly foreign: ForeignContainer };

export function withForeign(own: ContainerOperations, context: Context): ContainerOperations {
  const { runtime } = context;
  const call = calls(context);
  const streams = streamsOf(context);
  return {
    ...own,
    start: call(own.start, async ({ id }, _request, options) => {
      await runtime.start({ id }, options);
      return toInfo(asForeign(await runtime.status({ id }, options)));
    }),
    stop: call(own.stop, (container, { timeout = STOP_TIMEOUT }, options) => stop(context, container, { seconds: timeout, signal: options?.signal })),
    kill: call(own.kill, async (container, { signal = 'SIGKILL', execId, all }, options) => {
      require(container, ['running', 'paused']);
      await runtime.signal({ id: container.id, signal, execId, all }, options);
    }),
    wait: call(own.wait, ({ id }, _request, options) => runtime.wait({ id }, options)),
    remove: call(own.remove, ({ id }, _request, options) => runtime.remove({ id }, options)),
    pause: call(own.pause, ({ id }, _request, options) => runtime.pause({ id }, options)),
    resume: call(own.resume, ({ id }, _request, options) => runtime.resume({ id }, options)),
    // The limits are not even read: settings to put them on top of are its maker's.
    update: call(own.update, async ({ id }, _request, options) => {
      await runtime.update({ id, resources: {} }, options);
      return {};
    }),
    exec: streams(own.exec, ({ id }, { container: _container, ...request }, options) => runtime.exec({ ...request, id }, options)),
    attach: streams(own.attach, ({ id }, { stdin }, options) => runtime.attach({ id, stdin }, options)),
    logs: streams(own.logs, ({ id }, { container: _container, ...request }, options) => runtime.logs({ ...request, id }, options)),
    resize: call(own.resize, ({ id }, { container: _container, ...request }, options) => runtime.resize({ ...request, id }, options)),
    stats: call(own.stats, ({ id }, _request, options) => runtime.stats({ id }, options)),
    processes: call(own.processes, ({ id }, _request, options) => runtime.processes({ id }, options)),
    inspect: call(own.inspect, async ({ id }, _request, options) => toDetails(asForeign(await runtime.status({ id }, options)))),
    async list(request, options) {
      const { all = false, labels = {} } = request;
      const wanted = Object.entries(labels);
      const theirs = (await foreigners(context)).filter(({ state, foreign }) => (all || state === 'running' || state === 'paused') && wanted.every(([key, value]) => foreign.labels[key] === value));
      return [...(await own.list(request, options)), ...theirs.map(toInfo)];
    },
  };
}

/** Seconds: what its maker would allow is not known here. */
const STOP_TIMEOUT = 10;

type Call<Request, Result> = (request: Request, options?: Options) => Promise<Result>;
type Options = Parameters<ContainerOperations['inspect']>[1];

function calls(context: Context) {
  return <Request extends ContainerName, Result>(own: Call<Request, Result>, theirs: (container: Foreign, request: Request, options?: Options) => Promise<Result>): Call<Request, Result> =>
    async (request, options) => {
      const container = await find(context, request.container);
      return container ? theirs(container, request, options) : own(request, options);
    };
}

type Stream<Request, Item> = (request: Request, options?: Options) => AsyncIterable<Item>;

/** What is ours is handed on untouched. */
function streamsOf(context: Context) {
  return <Request extends ContainerName, Item>(own: Stream<Request, Item>, theirs: (container: Foreign, request: Request, options?: Options) => AsyncIterable<Item>): Stream<Request, Item> =>
    (request, options) => (isOurs(context, request.container) ? own(request, options) : later(context, request, (container) => (container ? theirs(container, request, options) : own(request, options))));
}

async function* later<Item>(context: Context, { container }: ContainerName, open: (found: Foreign | undefined) => AsyncIterable<Item>): AsyncGenerator<Item, void, void> {
  yield* open(await find(context, container));
}

const SHORTEST_PREFIX = 3;

/** By id, by what it is listed as, or by a prefix that no other foreign one shares. */
async function find(context: Context, reference: string): Promise<Foreign | undefined> {
  if (isOurs(context, reference)) return undefined;
  const all = await foreigners(context);
  const exact = all.find(({ id }) => id === reference) ?? all.find(({ id }) => nameOf(id) === reference);
  if (exact || reference.length < SHORTEST_PREFIX) return exact;
  const matching = all.filter(({ id }) => id.startsWith(reference));
  if (matching.length > 1) {
    const message = `the id prefix ${reference} means several containers: ${matching.map(({ id }) => id).join(', ')}`;
    throw new CoreError('E_INVALID', { message, object: { kind: 'container', id: reference }, hint: 'Give more of the id.' });
  }
  return matching[0];
}

/** Also when it is not clear which of ours is meant. */
function isOurs({ registry }: Context, reference: string): boolean {
  if (registry.exitOf(reference)) return true;
  try {
    registry.find(reference);
    return true;
  } catch (error) {
    return !isCoreError(error, 'E_NOT_FOUND');
  }
}

/** Our own are known without the runtime, so one that does not answer must not hide them. */
async function foreigners({ runtime, log }: Context): Promise<Foreign[]> {
  try {
    return (await runtime.list({})).filter((status): status is Foreign => status.foreign !== undefined);
  } catch (error) {
    log.warn({ err: toCoreError(error) }, 'the runtime does not tell which containers others have made');
    return [];
  }
}

interface Ending {
  readonly seconds: number;
  readonly signal: AbortSignal | undefined;
}

async function stop({ runtime }: Context, container: Foreign, { seconds, signal }: Ending): Promise<ExitStatus> {
  const { id, state } = container;
  require(container, ['running', 'paused', 'exited']);
  if (!(seconds >= 0)) throw new CoreError('E_INVALID', { message: 'timeout: seconds, from 0', issues: [{ path: 'timeout', message: 'seconds, from 0' }] });
  if (state !== 'exited' && seconds > 0) {
    await runtime.signal({ id, signal: 'SIGTERM' }, { signal });
    // A frozen process gets its signal once it thaws.
    if (state === 'paused') await runtime.resume({ id }, { signal });
    const patience = AbortSignal.timeout(seconds * 1000);
    const ended = await runtime.wait({ id }, { signal: signal ? AbortSignal.any([signal, patience]) : patience }).catch((error: unknown) => {
      if (patience.aborted && signal?.aborted !== true) return undefined;
      throw error;
    });
    if (ended) return ended;
  }
  if (state !== 'exited') await runtime.signal({ id, signal: 'SIGKILL', all: true }, { signal });
  return runtime.wait({ id }, { signal });
}

function require({ id, state }: Foreign, states: readonly RuntimeStatus['state'][]): void {
  if (states.includes(state)) return;
  throw new CoreError('E_STATE', { message: `the container ${id} is ${state}; this needs one that is ${states.join(' or ')}`, object: { kind: 'container', id } });
}

function asForeign(status: RuntimeStatus): Foreign {
  if (status.foreign) return status as Foreign;
  throw new CoreError('E_NOT_FOUND', { message: `no container has the id or name ${JSON.stringify(status.id)}`, object: { kind: 'container', id: status.id } });
}

function toInfo({ id, state, pid, startedAt, exit, foreign }: Foreign): ContainerInfo {
  return {
    id,
    name: nameOf(id),
    image: foreign.rootfs,
    imageId: '',
    command: foreign.command,
    state,
    ...(pid !== undefined && { pid }),
    createdAt: foreign.createdAt,
    ...(startedAt !== undefined && { startedAt }),
    ...(exit !== undefined && { exit }),
    labels: foreign.labels,
    foreign: true,
  };
}

function toDetails(status: Foreign): ContainerDetails {
  const { spec } = status.foreign;
  if (!spec) throw new CoreError('E_INTERNAL', { message: `the runtime told no spec of the container ${status.id}`, object: { kind: 'container', id: status.id } });
  return { ...toInfo(status), spec };
}

const SHORT_ID = 12;

/** As one of ours without a name is called; an id that was chosen for people is the name. */
function nameOf(id: string): string {
  return /^[0-9a-f]{64}$/.test(id) ? id.slice(0, SHORT_ID) : id;
}
