/** The root filesystem: an overlay or a folder, mapped when there is a user namespace. Called by `plan/index.ts`. */
import type { Rootfs } from '@core/core/plugin';
import { MOUNT_ATTR, MS } from '../constants.js';
import type { FsOption } from '../protocol.js';
import type { PlanDraft } from './draft.js';
import { hostRootMounts, hostRootSteps, isHostInPieces, type OverlayFolders } from './host-root.js';

export function rootSteps(draft: PlanDraft): void {
  const { rootfs, paths, io } = draft.input;
  if (io.log || (rootfs.kind === 'overlay' && draft.userns)) draft.prepare.push(['mkdir', paths.state, 0o700]);
  if (rootfs.kind === 'folder') folderRoot(draft, rootfs);
  else overlayRoot(draft, rootfs);
}

/** Once everything is mounted: the mount points had to be made in it. */
export function rootReadonly(draft: PlanDraft): void {
  if (draft.spec.root?.readonly) for (const path of ['/', ...piecesOnTop(draft)]) draft.setup.push(['attr', path, MOUNT_ATTR.RDONLY, 0, 0, false]);
}

function piecesOnTop(draft: PlanDraft): string[] {
  const { rootfs } = draft.input;
  return rootfs.kind === 'overlay' && isHostInPieces(draft, rootfs) ? hostRootMounts(draft, rootfs) : [];
}

/** After `pivot`, which takes no shared root. */
export function rootPropagation(draft: PlanDraft): void {
  const wanted = draft.spec.linux?.rootfsPropagation ?? '';
  const propagation = ROOT_PROPAGATION[wanted.replace(/^r/, '')];
  if (propagation) draft.setup.push(['attr', '/', 0, 0, propagation, wanted.startsWith('r')]);
}

const ROOT_PROPAGATION: Readonly<Record<string, number>> = { shared: MS.SHARED, slave: MS.SLAVE, private: MS.PRIVATE, unbindable: MS.UNBINDABLE };

/** A folder of a shared mount would hand on to the machine what is mounted in it, so it only listens from the beginning. */
function folderRoot(draft: PlanDraft, { path, idmap = true }: Extract<Rootfs, { kind: 'folder' }>): void {
  const slot = draft.slot();
  if (draft.userns && idmap) draft.mapped.push(['tree', slot, path, false, true, true]);
  else draft.prepare.push(['tree', slot, path, true, false, true]);
  draft.setup.push(['root', slot], ['attr', '/', 0, 0, MS.SLAVE, true]);
}

function overlayRoot(draft: PlanDraft, rootfs: Extract<Rootfs, { kind: 'overlay' }>): void {
  const { lowers, masks = [], scratch = [] } = rootfs;
  const { upper, work } = writtenLayer(draft);
  draft.prepare.push(['mkdir', upper, 0o755], draft.userns ? ['mkdir', work, 0o700] : ['workdir', work]);
  if (isHostInPieces(draft, rootfs)) hostRootSteps(draft, rootfs, { upper, work, options: (folders) => overlayOptions(draft, folders) });
  else {
    const layers = draft.userns ? mappedLayers(draft, lowers) : { lowers, upper, work };
    const slot = draft.slot();
    draft.setup.push(['fs', slot, 'overlay', overlayOptions(draft, layers), 0], ['root', slot]);
  }
  // Before any mount, so that a secret of the machine is hidden and what the user mounts there is not.
  if (masks.length > 0) draft.setup.push(['mask', masks]);
  const attrs = MOUNT_ATTR.NOSUID | MOUNT_ATTR.NODEV | (draft.spec.root?.readonly ? MOUNT_ATTR.RDONLY : 0);
  for (const { path, mode } of scratch) {
    const folder = draft.slot();
    draft.setup.push(['fs', folder, 'tmpfs', [['mode', mode.toString(8)]], attrs], ['mount', folder, path, 1, false]);
  }
}

/** Where ids are mapped, both appear in the container's mount namespace through one mount, so they have a folder in common; elsewhere it would be one more to make. */
function writtenLayer({ userns, input: { paths } }: PlanDraft): Pick<OverlayFolders, 'upper' | 'work'> {
  return userns ? { upper: `${paths.state}/upper`, work: `${paths.state}/work` } : paths;
}

function overlayOptions(draft: PlanDraft, { lowers, upper, work }: OverlayFolders): FsOption[] {
  return [
    ...lowers.map((path): FsOption => ['lowerdir+', path]),
    ['upperdir', upper],
    ['workdir', work],
    // Layers are never shared with another overlay at once, so the features that guard against that only cost time.
    ['index', 'off'],
    ['xino', 'off'],
    ['metacopy', 'off'],
    // Whoever mounts inside a user namespace may not set trusted.* attributes; without them no folder could be made opaque.
    ...(draft.unprivileged ? [['userxattr', null] as const] : []),
  ];
}

/**
 * Every layer appears through an idmapped mount, the writable one too: on disk nothing depends on the mapping. The mounts are
 * put in place inside the container's own mount namespace only.
 */
function mappedLayers(draft: PlanDraft, lowers: readonly string[]): OverlayFolders {
  const { dir, state } = draft.input.paths;
  draft.prepare.push(['mkdir', `${dir}/layers`, 0o711]);
  const place = (source: string, target: string): string => {
    const slot = draft.slot();
    draft.prepare.push(['mkdir', target, 0o711]);
    draft.mapped.push(['tree', slot, source, false, true, true]);
    draft.setup.push(['place', slot, target]);
    return target;
  };
  const placed = lowers.map((lower, index) => place(lower, `${dir}/layers/${index}`));
  const writable = place(state, `${dir}/layers/upper`);
  return { lowers: placed, upper: `${writable}/upper`, work: `${writable}/work` };
}
