/** A bundle comes in, a container that waits or runs goes out; when it fails nothing is left of it. Called by `create.ts` and `run.ts`. */
import { resolve } from 'node:path';
import type { Oci } from '@core/core/plugin';
import { machineFacts } from '../facts.js';
import { loadBundle, type Bundle } from './config.js';
import { noProcess, OciFailure, startFailure } from './failure.js';
import { inheritedFds, listenFds } from './flags.js';
import type { Globals } from './globals.js';
import { makeGroups, removeGroups } from './groups.js';
import { runHooks } from './hooks.js';
import { writeLog } from './log.js';
import { askOnce, type Asked, type Sync } from './once.js';
import { compileOciPlan, SYNC_HOOKS, SYNC_START, type LaunchMode } from './plan.js';
import { removeSharedRoot } from './shared-root.js';
import { checkId, claim, forget, isAlive, processStat, publicState, save, writeWhole, type Container, type ContainerRecord } from './state.js';

export interface LaunchOptions {
  readonly bundle: string;
  readonly config?: string | undefined;
  readonly consoleSocket?: string | undefined;
  readonly pidFile?: string | undefined;
  readonly preserveFds: number;
  /** False with `--no-pivot`. */
  readonly pivot: boolean;
}

export interface Launched {
  readonly container: Container;
  readonly asked: Asked;
}

export async function launch(globals: Globals, id: string, { options, mode }: { readonly options: LaunchOptions; readonly mode: LaunchMode }): Promise<Launched> {
  checkId(id);
  const host = machineFacts();
  const bundle = loadBundle(options.bundle, { id, file: options.config, systemd: globals.systemdCgroup, host });
  for (const warning of bundle.warnings) writeLog(globals, 'warning', warning);
  const process = bundle.config.process as Oci.Process;
  if (mode !== 'create' && process.args.length === 0) throw noProcess();
  checkConsole({ terminal: process.terminal ?? false, detach: mode !== 'foreground', socket: options.consoleSocket });
  const folder = claim(globals.root, id);
  let record = recordOf(id, bundle);
  try {
    record = { ...record, ...makeGroups(host.cgroups, record.cgroup) };
    // Should this process be killed, `delete --force` finds what there is to free.
    save(folder, record);
    const console = options.consoleSocket === undefined ? undefined : resolve(options.consoleSocket);
    const fds = inheritedFds(options.preserveFds);
    const plan = compileOciPlan({ bundle: withListeners(bundle), folder, host, record, mode, noPivot: !options.pivot, fds, console });
    const know = (pid: number): void => {
      record = { ...record, pid, startTime: processStat(pid)?.startTime ?? 0 };
      save(folder, record);
    };
    const asked = askOnce('create', plan, { fds, onSync: (sync) => attend(sync, { know, current: () => record, options }) });
    const { pid } = await asked.started;
    if (mode === 'create') {
      know(pid);
      if (options.pidFile !== undefined) writeWhole(resolve(options.pidFile), String(pid), 0o644);
    }
    if (mode !== 'foreground') await asked.ended;
    return { container: { folder, record }, asked };
  } catch (thrown) {
    await undo(folder, record);
    throw startFailure(thrown, process.args[0] ?? '');
  }
}

/** The container's first process is told of a socket-activated caller's sockets as the caller was. */
function withListeners(bundle: Bundle): Bundle {
  const listeners = listenFds();
  const process = bundle.config.process as Oci.Process;
  if (listeners === 0) return bundle;
  return { ...bundle, config: { ...bundle.config, process: { ...process, env: [...(process.env ?? []), `LISTEN_FDS=${listeners}`, 'LISTEN_PID=1'] } } };
}

function recordOf(id: string, { path, rootfs, config }: Bundle): ContainerRecord {
  return { id, pid: 0, startTime: 0, bundle: path, rootfs, created: new Date().toISOString(), cgroup: config.linux?.cgroupsPath as string, groups: [], made: [], config };
}

function checkConsole({ terminal, detach, socket }: { readonly terminal: boolean; readonly detach: boolean; readonly socket: string | undefined }): void {
  if (terminal && detach && socket === undefined) throw new OciFailure('cannot allocate tty if core-oci will detach without setting console socket');
  if (socket !== undefined && !(terminal && detach)) throw new OciFailure('cannot use console socket if core-oci will not detach or allocate tty');
}

interface Attendance {
  readonly know: (pid: number) => void;
  readonly current: () => ContainerRecord;
  readonly options: LaunchOptions;
}

/** While the process waits: whoever is told of the container now must find it. */
async function attend({ sync, pid }: Sync, { know, current, options }: Attendance): Promise<void> {
  know(pid);
  if (sync === SYNC_START && options.pidFile !== undefined) writeWhole(resolve(options.pidFile), String(pid), 0o644);
  if (sync !== SYNC_HOOKS) return;
  const record = current();
  // By the specification's lifecycle all hooks of the creation come after the step that is called creating.
  await runHooks(record.config, 'prestart', publicState(record, 'created'));
  await runHooks(record.config, 'createRuntime', publicState(record, 'created'));
}

async function undo(folder: string, record: ContainerRecord): Promise<void> {
  if (record.pid > 0 && isAlive(record)) process.kill(record.pid, 'SIGKILL');
  await removeGroups(record.groups, record.made).catch(() => {});
  await removeSharedRoot({ folder, record });
  forget(folder);
}
