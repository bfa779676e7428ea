/**
 * Which ids an ordinary user's containers have. Comes in: the user and the texts of /etc/subuid and /etc/subgid. Goes out: the maps of the executor's user
 * namespace. Called when the facts of the machine are read.
 */
import type { Oci } from '@core/core/plugin';

export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

export interface IdMaps {
  readonly uids: readonly Oci.IdMapping[];
  readonly gids: readonly Oci.IdMapping[];
}

/** 0 inside is the user, from 1 on come the ids that were given to the user. `undefined` without any. */
export function subordinateMaps(user: User, { subuid, subgid }: { readonly subuid: string; readonly subgid: string }): IdMaps | undefined {
  const [uids, gids] = [ranges(subuid, user), ranges(subgid, user)];
  if (uids.length === 0 || gids.length === 0) return undefined;
  return { uids: lineUp(user.uid, uids), gids: lineUp(user.gid, gids) };
}

/** What the kernel lets anybody map: himself. */
export function singleMaps({ uid, gid }: User): IdMaps {
  return { uids: [{ containerID: 0, hostID: uid, size: 1 }], gids: [{ containerID: 0, hostID: gid, size: 1 }] };
}

interface Range {
  readonly first: number;
  readonly size: number;
}

/** The kernel takes 340 lines in one map, one of which is the user's own. */
const MOST_RANGES = 339;

/** Lines of `name:first:size`, or with the uid in place of the name; also in subgid, which is about users too. */
function ranges(text: string, { uid, name }: User): Range[] {
  const found = text.split('\n').flatMap((line): Range[] => {
    const [owner = '', first = '', size = ''] = line.trim().split(':');
    if (owner !== name && owner !== String(uid)) return [];
    return /^\d+$/.test(first) && /^[1-9]\d*$/.test(size) ? [{ first: Number(first), size: Number(size) }] : [];
  });
  return found.slice(0, MOST_RANGES);
}

function lineUp(own: number, given: readonly Range[]): Oci.IdMapping[] {
  const maps: Oci.IdMapping[] = [{ containerID: 0, hostID: own, size: 1 }];
  let next = 1;
  for (const { first, size } of given) {
    maps.push({ containerID: next, hostID: first, size });
    next += size;
  }
  return maps;
}
