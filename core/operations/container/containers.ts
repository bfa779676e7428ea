/**
 * The container operations of `engine@1` as one object. Comes in: requests of doors, SDK and CLI. Goes out: their answers. Made
 * by `engine.ts`; each operation of some weight has a file of its own.
 */
import type { ContainerOperations } from '../../contracts/index.js';
import type { Context } from '../context.js';
import { pause, resume, update } from './change.js';
import { create } from './create.js';
import { withForeign } from './foreign.js';
import { toDetails, toInfo } from './record.js';
import { remove } from './remove.js';
import { run } from './run.js';
import { start } from './start.js';
import { kill, stop, wait } from './stop.js';
import { forward } from './stream.js';

export function containerOperations(context: Context): ContainerOperations {
  return withForeign(ownOperations(context), context);
}

/** On the containers that have a record here. */
function ownOperations(context: Context): ContainerOperations {
  const { runtime, registry } = context;
  const find = (reference: string) => registry.find(reference);
  const running = (reference: string): string => {
    const container = find(reference);
    container.require(['running', 'paused']);
    return container.id;
  };
  return {
    create: (options, call) => create(context, options, call),
    start: (request, call) => start(context, request, call),
    run: (options, call) => run(context, options, call),
    stop: (request, call) => stop(context, request, call),
    kill: (request, call) => kill(context, request, call),
    wait: (request, call) => wait(context, request, call),
    remove: (request, call) => remove(context, request, call),
    pause: (request, call) => pause(context, request, call),
    resume: (request, call) => resume(context, request, call),
    update: (request, call) => update(context, request, call),
    exec: ({ container, ...request }, call) =>
      forward(() => {
        find(container).require(['running'], 'Only a running container can execute a command.');
        return runtime.exec({ ...request, id: find(container).id }, call);
      }),
    attach: ({ container, stdin }, call) => forward(() => runtime.attach({ id: find(container).known.id, stdin }, call)),
    logs: ({ container, ...request }, call) => forward(() => runtime.logs({ ...request, id: find(container).known.id }, call)),
    resize: async ({ container, ...request }, call) => runtime.resize({ ...request, id: running(container) }, call),
    stats: async ({ container }, call) => runtime.stats({ id: running(container) }, call),
    processes: async ({ container }, call) => runtime.processes({ id: running(container) }, call),
    async list({ all = false, labels = {} }) {
      const wanted = Object.entries(labels);
      const infos = registry.all().flatMap(({ record }) => (record ? [toInfo(record)] : []));
      return infos.filter((info) => (all || info.state === 'running' || info.state === 'paused') && wanted.every(([key, value]) => info.labels[key] === value));
    },
    inspect: async ({ container }) => toDetails(find(container).known),
  };
}
