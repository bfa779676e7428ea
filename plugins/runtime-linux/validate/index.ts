/**
 * What `create` was given, checked whole before anything is done: every fault with its JSON path. Called by `driver.ts`.
 * The checks are written out by hand rather than as a schema because they stand on the start path.
 */
import { CoreError, type CreateRequest, type Io, type Rootfs } from '@core/core/plugin';
import { missingControllers, requireControllers } from '../cgroup/limits.js';
import { Issues } from '../issues.js';
import type { HostFacts } from '../plan/input.js';
import { checkRootlessSpec } from '../rootless/settings.js';
import { isClean } from '../spec/mounts.js';
import { checkLinux } from './linux.js';
import { checkMounts } from './mounts.js';
import { checkProcess } from './process.js';
import { unsupported } from './unsupported.js';
import { isCount, isObject } from './values.js';

const ID = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

/** Throws E_INVALID, or E_UNSUPPORTED for what this machine lacks. */
export function checkCreate(request: CreateRequest, host: HostFacts): void {
  const issues = new Issues();
  const { id, spec, rootfs, io } = request;
  issues.expect(typeof id === 'string' && ID.test(id), 'id', 'is made of letters, digits, "_", "." and "-", at most 128, and begins with a letter or digit');
  checkRootfs(rootfs, issues);
  checkIo(io ?? {}, issues);
  if (issues.expect(isObject(spec), 'spec', 'must be an OCI spec')) {
    issues.expect(/^1\.[0-9]+\.[0-9]+([-+].*)?$/.test(spec.ociVersion), 'spec.ociVersion', 'is a version such as 1.3.0; the first number must be 1');
    checkProcess(spec, issues);
    checkMounts(spec, issues);
    checkLinux(spec, { issues, host });
    issues.expect(Object.keys(spec.linux?.netDevices ?? {}).length === 0, 'spec.linux.netDevices', 'links are moved by the command core-oci alone');
    issues.expect(!spec.linux?.seccomp?.listenerPath, 'spec.linux.seccomp.listenerPath', 'listeners are served by the command core-oci alone');
  }
  issues.done('cannot create the container', { kind: 'container', id: String(id) });
  const { resources = {} } = spec.linux ?? {};
  if (host.rootless) checkRootlessSpec(request, { host, missing: missingControllers(host.cgroups, resources) });
  else requireControllers(host.cgroups, { resources, object: { kind: 'container', id } });
  const missing = unsupported(spec, host);
  if (missing.length > 0) {
    throw new CoreError('E_UNSUPPORTED', {
      message: `cannot create the container: ${missing.join('; ')}`,
      hint: 'Leave these out. Cgroup controllers and security modules can be enabled on the kernel command line.',
      object: { kind: 'container', id },
    });
  }
}

function checkRootfs(rootfs: Rootfs, issues: Issues): void {
  if (!issues.expect(isObject(rootfs), 'rootfs', 'is missing')) return;
  if (rootfs.kind === 'folder') {
    issues.expect(isClean(rootfs.path), 'rootfs.path', 'must be an absolute path');
    issues.expect(rootfs.idmap === undefined || typeof rootfs.idmap === 'boolean', 'rootfs.idmap', 'is true or false');
  } else if (issues.expect(rootfs.kind === 'overlay', 'rootfs.kind', 'is "overlay" or "folder"')) {
    issues.expect(Array.isArray(rootfs.lowers) && rootfs.lowers.length > 0, 'rootfs.lowers', 'needs at least one folder');
    rootfs.lowers?.forEach((path, index) => issues.expect(isClean(path), `rootfs.lowers[${index}]`, 'must be an absolute path'));
    rootfs.masks?.forEach((path, index) => issues.expect(isClean(path), `rootfs.masks[${index}]`, 'must be an absolute path'));
    rootfs.scratch?.forEach(({ path, mode }, index) => {
      issues.expect(isClean(path), `rootfs.scratch[${index}].path`, 'must be an absolute path');
      issues.expect(isCount(mode) && mode <= 0o7777, `rootfs.scratch[${index}].mode`, 'must be a mode');
    });
  }
}

function checkIo({ log }: Io, issues: Issues): void {
  issues.expect(log?.maxBytes === undefined || (isCount(log.maxBytes) && log.maxBytes >= 1024), 'io.log.maxBytes', 'is a number of bytes, at least 1024');
  issues.expect(log?.maxFiles === undefined || (isCount(log.maxFiles) && log.maxFiles >= 1 && log.maxFiles <= 1000), 'io.log.maxFiles', 'is between 1 and 1000');
}
