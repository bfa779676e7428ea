/** Devices: their nodes inside, and the rules of what may be done with them. Called by `spec/index.ts`. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerSettings, DeviceOptions, Oci } from '@core/core/plugin';
import type { Issues } from '../issues.js';
import { isClean } from './mounts.js';

export interface ContainerDevices {
  readonly nodes: Oci.Device[];
  readonly rules: Oci.DeviceRule[];
}

export async function containerDevices(settings: ContainerSettings, issues: Issues): Promise<ContainerDevices> {
  if (settings.privileged) return { nodes: await machineDevices('/dev'), rules: [{ allow: true, access: 'rwm' }] };
  const wanted = await Promise.all((settings.devices ?? []).map((device, index) => userDevice(device, { path: `devices[${index}]`, issues })));
  const nodes = wanted.flat();
  return { nodes: nodes.map(({ node }) => node), rules: [{ allow: false, access: 'rwm' }, ...nodes.map(({ rule }) => rule)] };
}

interface DeviceContext {
  readonly path: string;
  readonly issues: Issues;
}

async function userDevice({ source, target = source, access = 'rwm' }: DeviceOptions, { path, issues }: DeviceContext): Promise<Array<{ node: Oci.Device; rule: Oci.DeviceRule }>> {
  issues.expect(/^[rwm]{1,3}$/.test(access), `${path}.access`, 'is made of r, w and m');
  issues.expect(isClean(target) && target !== '/', `${path}.target`, 'must be an absolute path');
  const found = await stat(source).catch(() => undefined);
  const node = found && deviceNode(target, found);
  issues.expect(node !== undefined, `${path}.source`, found ? 'is no device' : 'is not there');
  if (!node) return [];
  const { type, major, minor } = node;
  return [{ node, rule: { allow: true, type: type as 'c' | 'b', major: major as number, minor: minor as number, access } }];
}

interface Found {
  readonly mode: number;
  readonly rdev: number;
  readonly uid: number;
  readonly gid: number;
  isCharacterDevice(): boolean;
  isBlockDevice(): boolean;
}

function deviceNode(path: string, found: Found): Oci.Device | undefined {
  const type = found.isCharacterDevice() ? 'c' : found.isBlockDevice() ? 'b' : undefined;
  return type && { type, path, ...deviceNumbers(found.rdev), fileMode: found.mode & 0o7777, uid: found.uid, gid: found.gid };
}

/** As makedev(3) of glibc packs them. */
export function deviceNumbers(rdev: number): { major: number; minor: number } {
  const low = rdev % 2 ** 32;
  const high = Math.floor(rdev / 2 ** 32);
  return { major: ((low >>> 8) & 0xfff) + (high & 0xfffff000), minor: (low & 0xff) + ((low >>> 12) & 0xfff00) };
}

/** Left out of a privileged container's /dev: what is a mount or a link of its own there. */
const OWN = new Set(['/dev/ptmx', '/dev/pts', '/dev/shm', '/dev/mqueue', '/dev/fd', '/dev/hugepages', '/dev/console']);

async function machineDevices(folder: string): Promise<Oci.Device[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry): Promise<Oci.Device[]> => {
      const path = join(folder, entry.name);
      if (OWN.has(path)) return [];
      if (entry.isDirectory()) return machineDevices(path);
      if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return [];
      const node = deviceNode(path, await stat(path));
      return node ? [node] : [];
    }),
  );
  return found.flat();
}
