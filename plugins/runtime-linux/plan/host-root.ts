/**
 * The root of an ordinary user's container of the image `host`: a folder of ours, and an overlay over each piece of the machine. Called by `plan/rootfs.ts`.
 *
 * A piece's place in that folder is its upper layer at once, so that the folder holds all that is written, as a single overlay's would.
 */
import type { Rootfs } from '@core/core/plugin';
import { MOUNT_ATTR } from '../constants.js';
import type { FsOption } from '../protocol.js';
import type { Piece } from '../rootless/host-root.js';
import type { PlanDraft } from './draft.js';

type Overlay = Extract<Rootfs, { kind: 'overlay' }>;

export interface OverlayFolders {
  readonly lowers: readonly string[];
  readonly upper: string;
  readonly work: string;
}

export function isHostInPieces(draft: PlanDraft, { lowers }: Overlay): boolean {
  return draft.input.host.rootless !== undefined && lowers.length === 1 && lowers[0] === '/';
}

interface Written extends Pick<OverlayFolders, 'upper' | 'work'> {
  /** How an overlay is mounted here. */
  readonly options: (folders: OverlayFolders) => FsOption[];
}

export function hostRootSteps(draft: PlanDraft, rootfs: Overlay, { upper, work, options }: Written): void {
  const pieces = shownPieces(draft, rootfs);
  for (const piece of pieces) if (isFolder(piece)) draft.prepare.push(['mkdir', upper + piece.path, piece.mode]);
  const root = draft.slot();
  draft.prepare.push(['tree', root, upper, false, false, false]);
  draft.setup.push(['root', root]);
  for (const [index, piece] of pieces.entries()) {
    if (piece.kind === 'link') draft.setup.push(['link', piece.target, piece.path]);
    else if (piece.kind === 'file') fileSteps(draft, piece.path);
    else if (piece.kind === 'overlay') {
      const slot = draft.slot();
      draft.prepare.push(['mkdir', `${work}/${index}`, 0o700]);
      draft.setup.push(['fs', slot, 'overlay', options({ lowers: [piece.path], upper: upper + piece.path, work: `${work}/${index}` }), 0], ['mount', slot, piece.path, 0, false]);
    }
  }
}

/** Where mounts of the root are besides `/`, which a read-only root has to reach; not where a mount of the user's or an empty folder came on top. */
export function hostRootMounts(draft: PlanDraft, rootfs: Overlay): string[] {
  const covered = new Set(draft.spec.mounts?.map(({ destination }) => destination));
  return shownPieces(draft, rootfs).flatMap(({ kind, path }) => (kind === 'overlay' && !covered.has(path) ? [path] : []));
}

/** What is hidden needs no more than an empty folder under what hides it. */
function shownPieces(draft: PlanDraft, { masks = [], scratch = [] }: Overlay): Piece[] {
  const hidden = [...masks, ...scratch.map(({ path }) => path)];
  return (draft.input.host.rootless?.root ?? []).flatMap((piece): Piece[] => {
    if (hidden.some((path) => piece.path.startsWith(`${path}/`))) return [];
    if (!hidden.includes(piece.path)) return [piece];
    return isFolder(piece) ? [{ ...piece, kind: 'empty' }] : [];
  });
}

function isFolder(piece: Piece): piece is Extract<Piece, { mode: number }> {
  return piece.kind === 'overlay' || piece.kind === 'empty';
}

function fileSteps(draft: PlanDraft, path: string): void {
  const slot = draft.slot();
  draft.prepare.push(['tree', slot, path, false, false, false]);
  draft.setup.push(['mount', slot, path, 2, false], ['attr', path, MOUNT_ATTR.RDONLY, 0, 0, false]);
}
