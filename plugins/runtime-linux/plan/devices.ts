/** Device nodes and the links of /dev. Called by `plan/index.ts`. */
import type { Oci } from '@core/core/plugin';
import { MOUNT_ATTR, S_IF } from '../constants.js';
import type { ChildStep } from '../protocol.js';
import type { PlanDraft } from './draft.js';
import { outside } from './ids.js';

/** config-linux.md, "Default Devices". */
const DEFAULT_DEVICES: readonly Oci.Device[] = [
  { type: 'c', path: '/dev/null', major: 1, minor: 3 },
  { type: 'c', path: '/dev/zero', major: 1, minor: 5 },
  { type: 'c', path: '/dev/full', major: 1, minor: 7 },
  { type: 'c', path: '/dev/random', major: 1, minor: 8 },
  { type: 'c', path: '/dev/urandom', major: 1, minor: 9 },
  { type: 'c', path: '/dev/tty', major: 5, minor: 0 },
];

const LINKS: readonly ChildStep[] = [
  ['link', 'pts/ptmx', '/dev/ptmx'],
  ['link', '/proc/self/fd', '/dev/fd'],
  ['link', '/proc/self/fd/0', '/dev/stdin'],
  ['link', '/proc/self/fd/1', '/dev/stdout'],
  ['link', '/proc/self/fd/2', '/dev/stderr'],
];

export function deviceSteps(draft: PlanDraft): void {
  const extra = draft.spec.linux?.devices ?? [];
  // A /dev of the machine's own has its nodes, and is not ours to add to.
  if (!isBound(draft.spec, '/dev')) {
    for (const device of DEFAULT_DEVICES) if (!extra.some(({ path }) => path === device.path)) addDevice(draft, device);
    draft.setup.push(...LINKS);
  }
  for (const device of extra) addDevice(draft, device);
  if (draft.spec.process?.terminal) draft.setup.push(['console', '/dev/console']);
}

function addDevice(draft: PlanDraft, device: Oci.Device): void {
  const { type, path, major = 0, minor = 0, uid = 0, gid = 0 } = device;
  if (draft.unprivileged && type !== 'p') addForeign(draft, device);
  else draft.setup.push(['node', path, modeOf(device), major, minor, uid, gid]);
}

function modeOf({ type, fileMode = 0o666 }: Oci.Device): number {
  return S_IF[type === 'u' ? 'c' : type] | (fileMode & 0o7777);
}

/** In a user namespace no device can be made: the usual ones are the machine's own, bound; others are made outside, where the executor may. */
function addForeign(draft: PlanDraft, device: Oci.Device): void {
  const { path, major = 0, minor = 0, uid = 0, gid = 0 } = device;
  const slot = draft.slot();
  if (DEFAULT_DEVICES.includes(device) || draft.input.host.rootless) {
    draft.prepare.push(['tree', slot, path, false, false, true]);
    draft.setup.push(['mount', slot, path, 2, false], ['attr', path, MOUNT_ATTR.NOSUID | MOUNT_ATTR.NOEXEC, 0, 0, false]);
    return;
  }
  const { uidMappings = [], gidMappings = [] } = draft.spec.linux ?? {};
  draft.prepare.push(['device', slot, modeOf(device), major, minor, outside(uidMappings, uid), outside(gidMappings, gid)]);
  draft.setup.push(['mountnode', slot, path]);
}

function isBound(spec: Oci.Spec, path: string): boolean {
  return (spec.mounts ?? []).some((mount) => mount.destination === path && (mount.type === 'bind' || mount.options?.some((option) => option === 'bind' || option === 'rbind')));
}
