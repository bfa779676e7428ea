/** The command line of CRIU. Comes in: what the flags of runc said and what is known of the container. Goes out: arguments, and the descriptors they speak of. Called by `checkpoint.ts` and `restore.ts`. */
import type { ExternalMount } from './mounts.js';

/** The common flags of `checkpoint` and `restore`. */
export interface ImageOptions {
  readonly imagePath: string;
  readonly workPath?: string | undefined;
  readonly tcpEstablished: boolean;
  readonly extUnixSk: boolean;
  readonly shellJob: boolean;
  readonly fileLocks: boolean;
  readonly manageCgroupsMode: string;
  readonly emptyNs?: string | undefined;
  readonly autoDedup: boolean;
}

export interface DumpOptions extends ImageOptions {
  readonly leaveRunning: boolean;
  readonly preDump: boolean;
  /** Relative to the image path: the images of the dump before. */
  readonly parentPath?: string | undefined;
  readonly tcpSkipInFlight: boolean;
  readonly linkRemap: boolean;
  /** `host:port`. */
  readonly pageServer?: string | undefined;
}

export interface RestoreOptions extends ImageOptions {
  readonly lsmProfile?: string | undefined;
  readonly lsmMountContext?: string | undefined;
}

/** Something of the machine's that a container has: CRIU leaves it out, and gets it again at the restore. */
export interface DumpedContainer {
  readonly pid: number;
  readonly rootfs: string;
  /** The group to freeze it by, where there is one. */
  readonly freezer: string | undefined;
  readonly mounts: readonly ExternalMount[];
  /** As CRIU names them: `net[4026531840]:name`, `file[24:7]`, `unix[815]`. */
  readonly resources: readonly string[];
}

export const DUMP_LOG = 'dump.log';
export const RESTORE_LOG = 'restore.log';

export function dumpArguments(container: DumpedContainer, options: DumpOptions): string[] {
  const { parentPath, pageServer } = options;
  return [
    options.preDump ? 'pre-dump' : 'dump',
    '--tree', String(container.pid),
    ...common(options, DUMP_LOG),
    '--root', container.rootfs,
    ...(container.freezer === undefined ? [] : ['--freeze-cgroup', container.freezer]),
    ...container.mounts.flatMap(({ target }) => ['--external', `mnt[${target}]:${target}`]),
    ...container.resources.flatMap((resource) => ['--external', resource]),
    ...(options.leaveRunning && !options.preDump ? ['--leave-running'] : []),
    ...(options.preDump || parentPath !== undefined ? ['--track-mem'] : []),
    ...(parentPath === undefined ? [] : ['--prev-images-dir', parentPath]),
    ...(options.tcpSkipInFlight ? ['--skip-in-flight'] : []),
    ...(options.linkRemap ? ['--link-remap'] : []),
    ...(pageServer === undefined ? [] : pageServerArguments(pageServer)),
  ];
}

export interface RestoredContainer {
  /** A mount of the root folder, in the mount namespace that CRIU is in. */
  readonly root: string;
  readonly mounts: readonly ExternalMount[];
  /** The group of each hierarchy, by its controllers as the kernel lists them. */
  readonly groups: readonly { readonly controllers: string; readonly path: string }[];
  /** By number in the process of CRIU: `pipe[815]`, `net`'s name. */
  readonly inherited: readonly { readonly fd: number; readonly resource: string }[];
  readonly pidFile: string;
}

export function restoreArguments(container: RestoredContainer, options: RestoreOptions): string[] {
  return [
    'restore',
    '--restore-detached',
    '--pidfile', container.pidFile,
    ...common(options, RESTORE_LOG),
    '--root', container.root,
    ...container.mounts.flatMap(({ target, source }) => ['--external', `mnt[${target}]:${source}`]),
    ...container.inherited.flatMap(({ fd, resource }) => ['--inherit-fd', `fd[${fd}]:${resource}`]),
    ...container.groups.flatMap(({ controllers, path }) => ['--cgroup-root', controllers === '' ? path : `${controllers}:${path}`]),
    ...(options.lsmProfile === undefined ? [] : ['--lsm-profile', options.lsmProfile]),
    ...(options.lsmMountContext === undefined ? [] : ['--lsm-mount-context', options.lsmMountContext]),
  ];
}

function common(options: ImageOptions, log: string): string[] {
  const { imagePath, workPath = imagePath } = options;
  return [
    '--images-dir', imagePath,
    '--work-dir', workPath,
    '--log-file', log,
    '-v4',
    `--manage-cgroups=${options.manageCgroupsMode}`,
    ...(options.tcpEstablished ? ['--tcp-established'] : []),
    ...(options.extUnixSk ? ['--ext-unix-sk'] : []),
    ...(options.shellJob ? ['--shell-job'] : []),
    ...(options.fileLocks ? ['--file-locks'] : []),
    ...(options.autoDedup ? ['--auto-dedup'] : []),
    ...(options.emptyNs === undefined ? [] : ['--empty-ns', 'net']),
  ];
}

function pageServerArguments(text: string): string[] {
  const at = text.lastIndexOf(':');
  return ['--page-server', '--address', text.slice(0, at), '--port', text.slice(at + 1)];
}
