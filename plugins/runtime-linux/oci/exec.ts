/** `core-oci exec`: a further process in a running container. Comes out: its exit status. Called by `program.ts`. */
import { resolve } from 'node:path';
import type { Oci } from '@core/core/plugin';
import { CoreError } from '@core/core/plugin';
import { Issues } from '../issues.js';
import { execAffinity, execSteps } from '../plan/exec.js';
import { checkProcess } from '../validate/process.js';
import { OciFailure, startFailure } from './failure.js';
import { inheritedFds } from './flags.js';
import { foreground } from './foreground.js';
import { keepsGroups } from './groups-kept.js';
import type { Globals } from './globals.js';
import { joinedGroups } from './joined-groups.js';
import { listenerMessage, listenerPath } from './listener.js';
import { execJoins } from './namespaces.js';
import { askOnce } from './once.js';
import { onceIo } from './plan.js';
import { execProcess, type ProcessFlags } from './process.js';
import { load, statusOf, writeWhole, type ContainerRecord } from './state.js';

export interface ExecOptions extends ProcessFlags {
  readonly consoleSocket?: string | undefined;
  readonly detach: boolean;
  readonly pidFile?: string | undefined;
  readonly preserveFds: number;
  readonly ignorePaused: boolean;
  /** A group below the container's own. */
  readonly cgroup?: string | undefined;
}

/** What fails before the process runs is told apart from its own status as far as one number can. */
const FAILED = 255;

export async function exec(globals: Globals, id: string, { args, options }: { readonly args: readonly string[]; readonly options: ExecOptions }): Promise<number> {
  const container = load(globals.root, id);
  const status = statusOf(container);
  if (status === 'creating') throw new OciFailure('cannot exec in a container that is still being created', FAILED);
  if (status === 'stopped') throw new OciFailure('cannot exec in a stopped container', FAILED);
  if (status === 'paused' && !options.ignorePaused) throw new OciFailure('cannot exec in a paused container (use --ignore-paused to override)', FAILED);
  const { record } = container;
  const process = execProcess(record.config.process as Oci.Process, { args, flags: options });
  check(record, process);
  const asked = askOnce('exec', execPlan(record, { process, options }), { fds: inheritedFds(options.preserveFds) });
  try {
    const { pid } = await asked.started;
    if (options.pidFile !== undefined) writePid(resolve(options.pidFile), pid);
  } catch (thrown) {
    throw new OciFailure(startFailure(thrown, process.args[0] ?? '').message, FAILED);
  }
  const ended = await foreground(asked);
  return options.detach ? 0 : ended;
}

/** A process that its caller will never hear of must not stay. */
function writePid(path: string, pid: number): void {
  try {
    writeWhole(path, String(pid), 0o644);
  } catch (thrown) {
    process.kill(pid, 'SIGKILL');
    throw thrown;
  }
}

function check({ config }: ContainerRecord, process: Oci.Process): void {
  const issues = new Issues();
  checkProcess({ ...config, process }, issues);
  try {
    issues.done('invalid process');
  } catch (thrown) {
    throw new OciFailure((thrown as CoreError).message, FAILED);
  }
}

interface Wanted {
  readonly process: Oci.Process;
  readonly options: ExecOptions;
}

function execPlan(record: ContainerRecord, { process, options }: Wanted): Record<string, unknown> {
  const { config, pid, startTime } = record;
  const { terminal = false } = process;
  if (terminal && options.detach && options.consoleSocket === undefined) throw new OciFailure('cannot allocate tty if core-oci will detach without setting console socket', FAILED);
  const console = options.consoleSocket === undefined ? undefined : resolve(options.consoleSocket);
  const listener = listenerPath(config);
  const surroundings = { groupsStay: keepsGroups(config), linux: config.linux, seccomp: config.linux?.seccomp, listener: listener === undefined ? undefined : { socket: 0, message: listenerMessage(record, 'running') } };
  return {
    exec: 'exec',
    pid,
    startTime,
    ...joinedGroups(record, options.cgroup),
    ...execJoins(config),
    ...execAffinity(process),
    steps: execSteps(process, surroundings).map((step) => (step[0] === 'cwd' ? ['cwd', step[1], false] : step)),
    ...onceIo({ ...config, process }, { fds: inheritedFds(options.preserveFds), console }),
    detach: options.detach,
    ...(listener !== undefined && { listener }),
  };
}
