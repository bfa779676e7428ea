/** Ends containers and sends signals. Called by `driver.ts`, `remove.ts`, `reconcile.ts` and an aborted start. */
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerRef } from '@core/core/plugin';
import { isUngrouped, isV2, killGroup, processesOf, thaw } from '../cgroup/members.js';
import type { Container } from '../container.js';
import type { Context } from '../context.js';
import { StepError } from '../link/failure.js';
import { signalNumber } from '../signals.js';
import { controlOf, monitorLost } from './exit.js';

/** Ms for the kernel to end what was killed; a process in an uninterruptible wait may take long. */
const KILL_TIMEOUT = 10_000;
/** Ms for a monitor to answer before its container is ended without it. */
const ANSWER_TIMEOUT = 1_000;

/** SIGKILL to everything inside, then waits for the exit to be known. */
export async function killContainer(context: Context, container: Container): Promise<void> {
  if (!container.isRunning) return;
  const exited = container.exited();
  if (isV2(container)) await killGroup(container);
  else {
    // A container without a group ends with its first process: its pid namespace is its own.
    await killByMonitor(context, container);
    if (!isUngrouped(container)) await thaw(container);
  }
  const timer = new AbortController();
  const late = sleep(KILL_TIMEOUT, 'late', { signal: timer.signal }).catch(() => undefined);
  await Promise.race([exited, late]);
  timer.abort();
  if (container.isRunning) await monitorLost(context, container);
}

/** The root inside may have stopped the process of an exec before its execve, which the monitor waits for: then to everything in the group. */
async function killByMonitor(context: Context, container: Container): Promise<void> {
  const timer = new AbortController();
  const signal = constants.signals.SIGKILL;
  const settled = controlOf(context, container).then((control) => control.request('signal', { signal })).then(() => true, () => true);
  const late = sleep(ANSWER_TIMEOUT, false, { signal: timer.signal }).catch(() => false);
  const answered = await Promise.race([settled, late]);
  timer.abort();
  if (!answered) await signalAll(container, signal);
}

type SignalRequest = ContainerRef & { readonly signal: string; readonly execId?: string | undefined; readonly all?: boolean | undefined };

/** To what is gone it succeeds. Throws E_INVALID for a name no signal has. */
export async function signalContainer(context: Context, container: Container, { signal, execId, all }: SignalRequest): Promise<void> {
  const number = signalNumber(signal);
  if (!container.isRunning) return;
  // Without a group there is a pid namespace, which the kernel ends with its first process: no other can slip away.
  if (all && !(number === constants.signals.SIGKILL && isUngrouped(container))) return signalAll(container, number);
  try {
    const control = await controlOf(context, container);
    await control.request('signal', { signal: number, ...(execId !== undefined && { exec: execId }) });
  } catch (thrown) {
    if (container.isRunning && thrown instanceof StepError && thrown.errno !== 'ESRCH' && thrown.errno !== 'ENOENT') throw thrown;
  }
}

async function signalAll(container: Container, number: number): Promise<void> {
  if (number === constants.signals.SIGKILL && isV2(container)) return killGroup(container);
  for (const pid of await processesOf(container)) {
    try {
      process.kill(pid, number);
    } catch {
      // It ended in the meantime.
    }
  }
}
