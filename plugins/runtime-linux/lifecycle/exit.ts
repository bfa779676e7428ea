/** How this driver learns that a container ended: from the executor, from its monitor, or from what a dead monitor left. */
import type { ExitStatus } from '@core/core/plugin';
import type { Container } from '../container.js';
import type { Context } from '../context.js';
import { Connection } from '../link/connection.js';
import { exitStatus, readExit } from '../records.js';
import type { ExitRecord } from '../protocol.js';

/** Notices of the executor and of monitors; the same fact may come from both. */
export function handleNotice(context: Context, name: string, argument: unknown): void {
  const { id, ...rest } = argument as { id: string };
  const container = context.containers.get(id);
  if (!container) return;
  if (name === 'exit') {
    const status = exitStatus(rest as unknown as ExitRecord);
    if (container.phase === 'starting') container.early = status;
    else handleExit(context, container, status);
  } else if (name === 'oom') context.events.emit({ type: 'oom', id, time: Date.now() });
  else if (name === 'gone') container.monitorGone.resolve();
}

export function handleExit(context: Context, container: Container, exit: ExitStatus): void {
  if (!container.isRunning || isOfFormerRun(container, exit)) return;
  container.settling = settle(context, container);
  container.markExited(exit);
  context.events.emit({ type: 'exited', id: container.id, time: exit.finishedAt, exit });
}

/** Executor and monitor both tell, and the second of them may be heard when the container has been started again. */
function isOfFormerRun({ startedAt = 0 }: Container, exit: ExitStatus): boolean {
  return exit.startedAt > 0 && exit.startedAt < startedAt;
}

/** After the exit is known: the monitor's teardown ends, then a layer nobody wants kept goes. */
async function settle(context: Context, container: Container): Promise<void> {
  await container.monitorGone.promise;
  const { rootfs } = container.record ?? {};
  if (rootfs?.kind !== 'overlay' || rootfs.keep !== false || context.closed) return;
  const { state, upper, work } = container.paths;
  await context.trees.remove([upper, `${state}/upper`, `${state}/work`], [work]).catch((thrown: unknown) => {
    context.warn(`cannot dispose of what ${container.id} wrote: ${String(thrown)}`);
  });
}

/**
 * The connection to a container's monitor; opened at most once at a time. When it ends while the container is believed to
 * run and no executor watches over it, the monitor was lost.
 */
export function controlOf(context: Context, container: Container): Promise<Connection> {
  container.control ??= open(context, container);
  return container.control;
}

async function open(context: Context, container: Container): Promise<Connection> {
  // What the monitor of one run says must not be taken for news of the next.
  const { run } = container;
  const current = (): boolean => container.run === run;
  try {
    const connection = await Connection.open(`${container.paths.dir}/ctl`, (name, argument) => {
      if (current()) handleNotice(context, name, { ...(argument as object), id: container.id });
    });
    connection.background();
    void connection.closed.then(() => {
      if (!current()) return;
      container.control = undefined;
      if (container.watched === 'control') monitorEnded(context, container);
    });
    const { exit } = (await connection.request('hello', {})) as { exit?: ExitRecord | null };
    if (exit && current()) handleExit(context, container, exitStatus(exit));
    return connection;
  } catch (thrown) {
    if (current()) container.control = undefined;
    throw thrown;
  }
}

/** The executor that watched is gone: from now on the monitor itself tells. */
export async function watchByControl(context: Context, container: Container): Promise<void> {
  container.watched = 'control';
  try {
    await controlOf(context, container);
  } catch {
    await monitorLost(context, container);
  }
}

function monitorEnded(context: Context, container: Container): void {
  if (!container.isRunning) return container.monitorGone.resolve();
  if (context.closed) return;
  monitorLost(context, container).catch((thrown: unknown) => context.warn(`cannot clean up after the monitor of ${container.id}: ${String(thrown)}`));
}

/** Ended in order and left its record, or died: then what it left is killed and cleaned by the executor, which writes why. */
export async function monitorLost(context: Context, container: Container): Promise<void> {
  const exit = (await readExit(container.paths.dir)) ?? (await reap(context, container), await readExit(container.paths.dir));
  container.monitorGone.resolve();
  handleExit(context, container, exit ?? unknownExit(container));
}

export async function reap(context: Context, container: Pick<Container, 'id' | 'paths' | 'plan'>): Promise<void> {
  const { id, paths, plan } = container;
  await context.executor.request('reap', { id, dir: paths.dir, cgroups: plan?.cgroups ?? [], teardown: plan?.teardown ?? [] });
}

function unknownExit(container: Container): ExitStatus {
  const now = Date.now();
  return { exitCode: 137, signal: 'SIGKILL', oomKilled: false, reason: 'monitor-lost', startedAt: container.startedAt ?? now, finishedAt: now };
}
