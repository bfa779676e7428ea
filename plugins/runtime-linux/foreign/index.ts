/**
 * Containers of `core-oci` in the run root of a driver. Comes in: the driver's own methods and where those containers are. Goes
 * out: the same methods, which know these as well. Called by `driver.ts`.
 *
 * They are another engine's: they are never held in memory, never adopted and never removed here. What is true of one is read
 * from its folder and the kernel each time, as `core-oci` itself does.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CoreError, type CallOptions, type ContainerRef, type ExitStatus, type Runtime, type RuntimeState, type RuntimeStatus } from '@core/core/plugin';
import { freeze, processesOf, thaw } from '../cgroup/members.js';
import { containerStats } from '../cgroup/stats.js';
import { Container } from '../container.js';
import type { Context } from '../context.js';
import { barePlan } from '../lifecycle/reconcile.js';
import { isAlive, statusOf, type Container as Found } from '../oci/state.js';
import { execForeign, signalExec } from './exec.js';
import { everyForeign, findForeign } from './find.js';
import { signalForeign } from './signal.js';

/** The driver's methods whose request names a container, and `list`. */
type Methods = Omit<Runtime, 'spec' | 'create' | 'events' | 'reconcile'>;

export function withForeign(own: Runtime, context: Context): Runtime {
  const root = context.foreignRoot;
  const route = <Request extends ContainerRef, Result>(ours: Method<Request, Result>, theirs: (found: Found, request: Request, call?: CallOptions) => Result): Method<Request, Result> => (request, call) => {
    const found = context.containers.has(request.id) ? undefined : findForeign(root, request.id);
    return found ? theirs(found, request, call) : ours(request, call);
  };
  const refuse = (verb: string) => async ({ record: { id } }: Found): Promise<never> => {
    throw refusal(root, { id, verb });
  };
  const methods: Methods = {
    list: async (request, call) => [...(await own.list(request, call)), ...everyForeign(root).map((found) => foreignStatus(found, { whole: false }))],
    status: route(own.status, async (found) => foreignStatus(found, { whole: true })),
    start: route(own.start, refuse('start')),
    update: route(own.update, refuse('update')),
    remove: route(own.remove, refuse('delete')),
    resize: route(own.resize, refuse('resize')),
    logs: route(own.logs, ({ record: { id } }) => failing(outputRefusal(id))),
    attach: route(own.attach, ({ record: { id } }) => failing(outputRefusal(id))),
    wait: route(own.wait, (found, _request, call) => waitFor(found, call?.signal)),
    signal: route(own.signal, async (found, { signal, execId, all = false }) => {
      if (execId === undefined) signalForeign(found, { signal, all });
      else signalExec(found.record.id, { execId, signal });
    }),
    exec: route(own.exec, (found, request, call) => execForeign(context, { found, request, call })),
    pause: route(own.pause, async (found) => {
      expect(found, 'pause', ['running']);
      await freeze(bodyOf(context, found));
    }),
    resume: route(own.resume, async (found) => {
      expect(found, 'resume', ['paused']);
      await thaw(bodyOf(context, found));
    }),
    processes: route(own.processes, async (found) => (isAlive(found.record) ? processesOf(bodyOf(context, found)) : [])),
    stats: route(own.stats, async (found) => {
      expect(found, 'measure', ['running', 'paused']);
      return containerStats(bodyOf(context, found), context.host.cgroups);
    }),
  };
  return { ...own, ...methods };
}

type Method<Request, Result> = (request: Request, call?: CallOptions) => Result;

export function foreignStatus(found: Found, { whole }: { readonly whole: boolean }): RuntimeStatus {
  const { id, pid, bundle, rootfs, created, config } = found.record;
  const state = stateOf(found);
  return {
    id,
    state,
    ...((state === 'running' || state === 'paused') && { pid }),
    foreign: { bundle, rootfs, command: config.process?.args ?? [], createdAt: Date.parse(created), labels: config.annotations ?? {}, ...(whole && { spec: config }) },
  };
}

function stateOf(found: Found): RuntimeState {
  const status = statusOf(found);
  return status === 'stopped' ? 'exited' : status === 'creating' ? 'created' : status;
}

/** As the parts that look into groups want it. */
function bodyOf(context: Context, { folder, record: { id, cgroup, pid } }: Found): Container {
  // It has no layers of ours.
  const paths = { dir: folder, state: folder, upper: folder, work: folder, cgroup };
  const body = new Container(id, paths, undefined, () => barePlan(context, { id, paths }));
  body.markRunning(pid, 0);
  return body;
}

const FIRST_LOOK = 20;
const LAST_LOOK = 500;

/** It is nobody's child here, so its end is looked for; its status only its maker hears. */
async function waitFor({ record }: Found, signal: AbortSignal | undefined): Promise<ExitStatus> {
  for (let pause = FIRST_LOOK; isAlive(record); pause = Math.min(pause * 2, LAST_LOOK)) {
    await sleep(pause, undefined, { signal }).catch((cause: unknown) => {
      throw new CoreError('E_ABORTED', { message: 'the wait was aborted', object: { kind: 'container', id: record.id }, cause });
    });
  }
  return { exitCode: UNKNOWN, oomKilled: false, reason: 'foreign', startedAt: Date.parse(record.created), finishedAt: Date.now() };
}

const UNKNOWN = 255;

function expect(found: Found, verb: string, states: readonly RuntimeState[]): void {
  const state = stateOf(found);
  const { id } = found.record;
  if (!states.includes(state)) throw new CoreError('E_STATE', { message: `cannot ${verb}: container ${id} is ${state}`, object: { kind: 'container', id } });
}

function refusal(root: string, { id, verb }: { readonly id: string; readonly verb: string }): CoreError {
  const hint = verb === 'resize' ? 'Its terminal is in the hands of whoever made it.' : `Do it by way of its maker, or with \`core oci --root ${root} ${verb} ${id}\`.`;
  return new CoreError('E_UNSUPPORTED', { message: `container ${id} was made by another engine, by way of core-oci: ${verb} is for that one`, object: { kind: 'container', id }, hint });
}

function outputRefusal(id: string): CoreError {
  return new CoreError('E_UNSUPPORTED', { message: `container ${id} was made by another engine, by way of core-oci: its output went there`, object: { kind: 'container', id }, hint: 'Ask its maker for its logs.' });
}

/** At the first read, as from any other stream. */
function failing<T>(error: CoreError): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
}
