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
import { withoutUnset } from './unset.js';

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
}

export interface LoadOptions {
  readonly id: string;
  readonly file?: string | undefined;
  readonly systemd: boolean;
  readonly host: HostFacts;
}

export function loadBundle(folder: string, { id, file, systemd, host }: LoadOptions): Bundle {
  const path = resolve(folder);
  const config = complete(readConfig(resolve(path, file ?? 'config.json')), { id, path, systemd });
  check(config, host);
  return { path, rootfs: findRoot(path, config), config };
}

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
  const mounts = (config.mounts ?? []).map((mount) => ({
    ...mount,
    destination: trimmed(normalize(join('/', mount.destination))),
    ...(isBind(mount) && mount.source !== undefined && { source: trimmed(resolve(path, mount.source)) }),
  }));
  const nodes = config.linux?.devices?.map((device) => ({ ...device, path: trimmed(device.path) }));
  const { devices = NO_DEVICES, ...resources } = withoutUnset(config.linux?.resources ?? {});
  const linux = { ...config.linux, cgroupsPath: cgroupPath(config.linux?.cgroupsPath, { id, systemd }), resources: { ...resources, devices }, ...(nodes && { devices: nodes }), ...propagation(config) };
  return { ...config, mounts, linux };
}

/** `rslave` and the like: the root's own mount is all there is to change once the rest is in place. */
function propagation({ linux }: OciConfig): Pick<Oci.Linux, 'rootfsPropagation'> {
  const plain = linux?.rootfsPropagation?.replace(/^r(?=shared|slave|private|unbindable)/, '') as Oci.Linux['rootfsPropagation'];
  return plain === undefined ? {} : { rootfsPropagation: plain };
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
  checkLinux(config, { issues, host });
  for (const [point, hooks] of Object.entries(config.hooks ?? {})) {
    (hooks ?? []).forEach(({ path }, index) => issues.expect(typeof path === 'string' && path.startsWith('/'), `hooks.${point}[${index}].path`, 'must be an absolute path'));
  }
  issues.done('invalid config.json');
  const lacking = unsupported(config, host);
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
