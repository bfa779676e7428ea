/**
 * `idmap=uids=0-1000-10;gids=0-1000-10`, the option in which podman gives a mount ids of its own to crun. A mount comes in, the same with the
 * specification's fields goes out. Called by `config.ts`.
 */
import type { Oci } from '@core/core/plugin';
import { OciFailure } from './failure.js';

const OPTION = /^(r?idmap)=(.*)$/s;

export function withInlineIds(mount: Oci.Mount): Oci.Mount {
  const found = mount.options?.map((option) => OPTION.exec(option)).find(Boolean);
  if (!found) return mount;
  const [whole, name, text] = found as unknown as [string, string, string];
  const lists = new Map(text.split(';').filter(Boolean).map((part) => splitAt(part, '=')));
  // Half a mapping is none.
  if (lists.size !== 2 || !lists.get('uids') || !lists.get('gids')) throw unreadable(whole);
  const ranges = (key: string): Oci.IdMapping[] => (lists.get(key) ?? '').split('#').filter(Boolean).map((range) => parseRange(range, whole));
  return { ...mount, options: (mount.options ?? []).map((option) => (option === whole ? name : option)), uidMappings: ranges('uids'), gidMappings: ranges('gids') };
}

function splitAt(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** Of the mount, of the machine, how many. */
function parseRange(text: string, option: string): Oci.IdMapping {
  const [, containerID, hostID, size] = /^([0-9]{1,10})-([0-9]{1,10})-([0-9]{1,10})$/.exec(text) ?? [];
  if (size === undefined) throw unreadable(option);
  return { containerID: Number(containerID), hostID: Number(hostID), size: Number(size) };
}

/** Ids relative to the container's, which begin with "@", are not among what can be read. */
function unreadable(option: string): OciFailure {
  return new OciFailure(`cannot read the mount option ${JSON.stringify(option)}: it is written idmap=uids=A-B-SIZE#...;gids=A-B-SIZE#...`);
}
