/** Where containers' files go: overlay, and the file system under the root. */
import { failed, limited, ok, type Check, type Finding } from './check.js';
import { hasModule } from './kernel.js';
import type { Machine } from './machine.js';
import { formatBytes } from '../format.js';

const ROOT = '/var/lib/core';

const NAMES: Readonly<Record<number, string>> = {
  0xef53: 'ext4', 0x58465342: 'xfs', 0x9123683e: 'btrfs', 0x01021994: 'tmpfs', 0x2fc12fc1: 'zfs', 0xf2f52010: 'f2fs',
  0x794c7630: 'overlay', 0x6969: 'nfs', 0x65735546: 'fuse', 0x4d44: 'vfat', 0x73717368: 'squashfs', 0x517b: 'smb', 0xfe534d42: 'smb',
};

/** Overlay wants an upper layer with d_type, xattrs and RENAME_WHITEOUT. */
const NO_UPPER = new Set(['overlay', 'nfs', 'fuse', 'vfat', 'squashfs', 'smb']);

const LITTLE = 1024 ** 3;

export const storageChecks: readonly Check[] = [
  { name: 'overlay', group: 'storage', run: overlay },
  { name: 'file system', group: 'storage', run: fileSystem },
  { name: 'free space', group: 'storage', run: freeSpace },
];

async function overlay(machine: Machine): Promise<Finding> {
  if (/\boverlay$/m.test((await machine.read('/proc/filesystems')) ?? '')) return ok('present');
  if (await hasModule(machine, 'overlay')) return ok('a module, loaded on demand');
  return failed('not in this kernel', { cost: 'No image can be mounted; only folders run, by `core oci`.', mend: 'modprobe overlay, or boot a kernel with CONFIG_OVERLAY_FS.' });
}

async function fileSystem(machine: Machine): Promise<Finding> {
  const { type } = await machine.fileSystem(ROOT);
  const name = NAMES[type] ?? `type 0x${type.toString(16)}`;
  if (!NO_UPPER.has(name)) return ok(`${name} at ${ROOT}`);
  return failed(`${name} at ${ROOT}`, { cost: `Overlay cannot write on ${name}: no container starts.`, mend: `Mount ext4, xfs, btrfs or tmpfs at ${ROOT}, or give the kernel another "root".` });
}

async function freeSpace(machine: Machine): Promise<Finding> {
  const { freeBytes } = await machine.fileSystem(ROOT);
  const found = `${formatBytes(freeBytes)} at ${ROOT}`;
  return freeBytes >= LITTLE ? ok(found) : limited(found, { cost: 'Images and logs may not fit.', mend: 'core rmi, or a larger disk.' });
}
