/** Mount options as people write them (mount(8), OCI) in, attributes and data for the new mount API out. Called by `mounts.ts` and validation. */
import { MOUNT_ATTR, MS } from '../constants.js';
import type { FsOption } from '../protocol.js';

export interface Attributes {
  readonly set: number;
  readonly clear: number;
}

export interface MountOptions {
  /** On this mount alone. */
  readonly attributes: Attributes;
  /** On this mount and all below it (`rro`, `rnosuid`...). */
  readonly recursiveAttributes: Attributes;
  /** MS_* type; 0 when nothing is said. */
  readonly propagation: number;
  readonly recursivePropagation: boolean;
  readonly bind: boolean;
  readonly recursive: boolean;
  readonly idmap: boolean;
  /** A new tmpfs begins with what lies under it. */
  readonly copyUp: boolean;
  /** Changes the mount that is there instead of making one. */
  readonly remount: boolean;
  /** The file system's own options, in order. */
  readonly data: readonly FsOption[];
}

const attributeBits: Readonly<Record<string, number>> = {
  ro: MOUNT_ATTR.RDONLY,
  nosuid: MOUNT_ATTR.NOSUID,
  nodev: MOUNT_ATTR.NODEV,
  noexec: MOUNT_ATTR.NOEXEC,
  nodiratime: MOUNT_ATTR.NODIRATIME,
  nosymfollow: MOUNT_ATTR.NOSYMFOLLOW,
};
const clearing: Readonly<Record<string, string>> = { rw: 'ro', suid: 'nosuid', dev: 'nodev', exec: 'noexec', diratime: 'nodiratime', symfollow: 'nosymfollow' };
const accessTimes: Readonly<Record<string, number>> = {
  noatime: MOUNT_ATTR.NOATIME,
  strictatime: MOUNT_ATTR.STRICTATIME,
  relatime: 0,
  atime: 0,
  norelatime: 0,
  nostrictatime: 0,
};
const propagations: Readonly<Record<string, number>> = { private: MS.PRIVATE, slave: MS.SLAVE, shared: MS.SHARED, unbindable: MS.UNBINDABLE };
/** Flags of the superblock, which fsconfig takes as they are. */
const superblockFlags = new Set(['sync', 'dirsync', 'lazytime', 'mand']);
const withoutEffect = new Set(['defaults', 'async', 'nolazytime', 'nomand', 'loud', 'silent', 'noiversion', 'iversion']);

const MAX_CACHED = 256;
const cache = new Map<string, MountOptions>();

/** Remembered by content: the default mounts come with every container, and are checked as well as planned. */
export function parseMountOptions(options: readonly string[]): MountOptions {
  const key = options.join(',');
  const known = cache.get(key);
  if (known) return known;
  if (cache.size >= MAX_CACHED) cache.clear();
  const fresh = parse(options);
  cache.set(key, fresh);
  return fresh;
}

function parse(options: readonly string[]): MountOptions {
  const draft: Draft = {
    attributes: { set: 0, clear: 0 },
    recursiveAttributes: { set: 0, clear: 0 },
    propagation: 0,
    recursivePropagation: false,
    bind: false,
    recursive: false,
    idmap: false,
    copyUp: false,
    remount: false,
    data: [],
  };
  for (const option of options) apply(option, draft);
  return draft;
}

interface Draft extends MountOptions {
  attributes: { set: number; clear: number };
  recursiveAttributes: { set: number; clear: number };
  propagation: number;
  recursivePropagation: boolean;
  bind: boolean;
  recursive: boolean;
  idmap: boolean;
  copyUp: boolean;
  remount: boolean;
  data: FsOption[];
}

/** What is said of a whole tree, said of one mount: of a file system of its own nothing is below. */
export function flattened({ attributes, recursiveAttributes }: MountOptions): Attributes {
  return { set: (attributes.set & ~recursiveAttributes.clear) | recursiveAttributes.set, clear: (attributes.clear & ~recursiveAttributes.set) | recursiveAttributes.clear };
}

/** Destinations may be relative to `/`, and need not be tidy; `..` is for validation to refuse. */
export function destinationOf(destination: string): string {
  const parts = destination.split('/').filter((part) => part !== '' && part !== '.');
  return `/${parts.join('/')}`;
}

function apply(option: string, draft: Draft): void {
  if (option === 'bind' || option === 'rbind') {
    draft.bind = true;
    draft.recursive ||= option === 'rbind';
  } else if (option === 'idmap' || option === 'ridmap') draft.idmap = true;
  else if (option === 'tmpcopyup') draft.copyUp = true;
  else if (option === 'remount') draft.remount = true;
  else if (withoutEffect.has(option)) return;
  else if (superblockFlags.has(option)) draft.data.push([option, null]);
  else if (!applyAttribute(option, draft.attributes) && !applyPropagation(option, draft)) {
    const recursive = option.startsWith('r') && applyAttribute(option.slice(1), draft.recursiveAttributes);
    if (!recursive) draft.data.push(keyAndValue(option));
  }
}

function applyAttribute(option: string, into: { set: number; clear: number }): boolean {
  const time = accessTimes[option];
  if (time !== undefined) {
    into.set = (into.set & ~MOUNT_ATTR.ATIME) | time;
    // The kernel wants the whole mask cleared before one of the modes is set.
    into.clear |= MOUNT_ATTR.ATIME;
    return true;
  }
  const bit = attributeBits[option];
  const cleared = attributeBits[clearing[option] ?? ''];
  if (bit !== undefined) {
    into.set |= bit;
    into.clear &= ~bit;
  } else if (cleared !== undefined) {
    into.clear |= cleared;
    into.set &= ~cleared;
  }
  return bit !== undefined || cleared !== undefined;
}

function applyPropagation(option: string, draft: Draft): boolean {
  const recursive = option.startsWith('r') && propagations[option.slice(1)] !== undefined;
  const type = propagations[recursive ? option.slice(1) : option];
  if (type === undefined) return false;
  draft.propagation = type;
  draft.recursivePropagation = recursive;
  return true;
}

function keyAndValue(option: string): FsOption {
  const equals = option.indexOf('=');
  return equals < 0 ? [option, null] : [option.slice(0, equals), option.slice(equals + 1)];
}
