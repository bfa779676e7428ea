/** A bundle comes in, its checked configuration goes out, with every path absolute. Called by `launch.ts`. */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { join, normalize, resolve } from 'node:path';
import type { Oci } from '@core/core/plugin';
import { Issues } from '../issues.js';
import type { HostFacts } from '../plan/input.js';
import { checkLinux } from '../validate/linux.js';
import { checkMounts } from '../validate/mounts.js';
import { checkProcess } from '../validate/process.js';
import { unsupported } from '../validate/unsupported.js';
import { OciFailure } from './failure.js';
import { cgroupPath } from './cgroup-path.js';
import { withInlineIds } from './inline-idmap.js';
import { EVERY_TYPE } from './namespaces.js';
import { withoutUnset } from './unset.js';
import { bundleWarnings, ignoresLabel } from './warnings.js';

export interface Hook {
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  /** Seconds. */
  readonly timeout?: number;
}

export type HookPoint = 'prestart' | 'createRuntime' | 'createContainer' | 'startContainer' | 'poststart' | 'poststop';

export interface OciConfig extends Oci.Spec {
  hooks?: Partial<Record<HookPoint, Hook[]>>;
}

export interface Bundle {
  readonly path: string;
  readonly rootfs: string;
  readonly config: OciConfig;
  /** What the specification lets a runtime leave out, and this one does here. */
  readonly warnings: readonly string[];
}

export interface LoadOptions {
  readonly id: string;
  readonly file?: string | undefined;
  readonly systemd: boolean;
  readonly host: HostFacts;
}

export function loadBundle(folder: string, { id, file, systemd, host }: LoadOptions): Bundle {
  const path = resolve(folder);
  const asked = readConfig(resolve(path, file ?? 'config.json'));
  const config = rebased(complete(asked, { id, path, systemd }));
  check(asked.process === undefined ? { ...config, process: { ...NO_PROCESS, args: ['/'] } } : config, host);
  return {
    path,
    rootfs: findRoot(path, config),
    config: ignoresLabel(config, host) ? { ...config, linux: { ...config.linux, mountLabel: '' } } : config,
    warnings: bundleWarnings(config, host),
  };
}

/** A tree that is bound onto "/" is the root, and covers what was mounted before it. */
function rebased(config: OciConfig): OciConfig {
  const mounts = config.mounts ?? [];
  const at = mounts.findLastIndex(({ destination }) => destination === '/');
  const mount = mounts[at];
  if (mount?.source === undefined || !isBind(mount)) return config;
  return { ...config, root: { path: mount.source, readonly: config.root?.readonly || mount.options?.includes('ro') || false }, mounts: mounts.slice(at + 1) };
}

/** What stands for a process that was not given: the container can be created, but not started. */
const NO_PROCESS: Oci.Process = { args: [], cwd: '/', user: { uid: 0, gid: 0 } };

function readConfig(path: string): OciConfig {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as OciConfig;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') throw new OciFailure(`JSON specification file ${path} not found`);
    throw new OciFailure(`cannot read ${path}: ${(thrown as Error).message}`);
  }
}

interface Frame {
  readonly id: string;
  readonly path: string;
  readonly systemd: boolean;
}

/** Sources may be relative to the bundle; destinations that are not absolute, or not clean, are so by old usage. */
function complete(config: OciConfig, { id, path, systemd }: Frame): OciConfig {
  const mounts = (config.mounts ?? []).map(withInlineIds).map((mount) => ({
    ...mount,
    destination: trimmed(normalize(join('/', mount.destination))),
    ...(isBind(mount) && mount.source !== undefined && { source: trimmed(resolve(path, mount.source)) }),
    ...(isBind(mount) && mount.options && { options: mount.options.filter((option) => !IGNORED_BY_BINDS.test(option)) }),
  }));
  const nodes = config.linux?.devices?.map((device) => ({ ...device, path: trimmed(device.path) }));
  const { devices = NO_DEVICES, ...resources } = withoutUnset(config.linux?.resources ?? {});
  const linux = { ...config.linux, cgroupsPath: cgroupPath(config.linux?.cgroupsPath, { id, systemd }), resources: { ...resources, devices }, ...(nodes && { devices: nodes }), ...propagation(config), ...ownIds(config) };
  return { ...config, process: config.process ?? NO_PROCESS, mounts, linux };
}

/** Options of tmpfs that callers leave in when they replace one by a bind; the kernel never looks at them. */
const IGNORED_BY_BINDS = /^(mode|size|uid|gid|nr_inodes|nr_blocks)=/;

/** `rslave` and the like: the root's own mount is all there is to change once the rest is in place. */
function propagation({ linux }: OciConfig): Pick<Oci.Linux, 'rootfsPropagation'> {
  const plain = linux?.rootfsPropagation?.replace(/^r(?=shared|slave|private|unbindable)/, '') as Oci.Linux['rootfsPropagation'];
  return plain === undefined ? {} : { rootfsPropagation: plain };
}

/** A user namespace without mappings is one of the caller alone, who is root in it. */
function ownIds({ linux }: OciConfig): Pick<Oci.Linux, 'uidMappings' | 'gidMappings'> {
  const fresh = linux?.namespaces?.some(({ type, path }) => type === 'user' && path === undefined) ?? false;
  if (!fresh || linux?.uidMappings?.length || linux?.gidMappings?.length) return {};
  const own = (id = 0): Oci.IdMapping[] => [{ containerID: 0, hostID: id, size: 1 }];
  return { uidMappings: own(process.geteuid?.()), gidMappings: own(process.getegid?.()) };
}

/** A configuration that names no device rules means none but the usual devices. */
const NO_DEVICES: Oci.DeviceRule[] = [{ allow: false, access: 'rwm' }];

function isBind({ type, options = [] }: Oci.Mount): boolean {
  return type === 'bind' || options.includes('bind') || options.includes('rbind');
}

function trimmed(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

function check(config: OciConfig, host: HostFacts): void {
  const issues = new Issues();
  issues.expect(typeof config.ociVersion === 'string', 'ociVersion', 'is missing');
  checkProcess(config, issues);
  checkMounts(config, issues);
  checkLinux(config, { issues, host, joined: EVERY_TYPE });
  for (const [point, hooks] of Object.entries(config.hooks ?? {})) {
    (hooks ?? []).forEach(({ path }, index) => issues.expect(typeof path === 'string' && path.startsWith('/'), `hooks.${point}[${index}].path`, 'must be an absolute path'));
  }
  issues.done('invalid config.json');
  const lacking = unsupported({ ...config, linux: { ...config.linux, mountLabel: '' } }, host);
  if (lacking.length > 0) throw new OciFailure(`cannot honour config.json: ${lacking.join('; ')}`);
}

function findRoot(bundle: string, { root }: OciConfig): string {
  if (!root?.path) throw new OciFailure('root.path is missing');
  const path = resolve(bundle, root.path);
  try {
    const real = realpathSync(path);
    if (statSync(real).isDirectory()) return real;
  } catch {
    // Said below.
  }
  throw new OciFailure(`invalid rootfs: ${path} is not a folder`);
}
