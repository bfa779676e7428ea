/**
 * What an ordinary user may do on this machine. Comes in: the user, a few files, the plugin's options. Goes out: `RootlessFacts`, or nothing for root. Called by
 * `facts.ts`, once, when the driver is made.
 */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Config } from '../config.js';
import { hostRoot, type Piece } from './host-root.js';
import { singleMaps, subordinateMaps, type IdMaps, type User } from './ids.js';
import { userNetwork, type NoNetwork, type UserNetwork } from './network.js';
import { trustedProgram } from './programs.js';

export interface RootlessFacts {
  readonly user: User;
  /** Of the user namespace the executor and all its containers are in. */
  readonly maps: IdMaps;
  /** The programs that write maps of more than the user's own id; without them there is that id alone. */
  readonly helpers?: { readonly newuidmap: string; readonly newgidmap: string } | undefined;
  /** What becomes of a limit whose controller is not delegated to the user. */
  readonly limits: Config['rootless']['limits'];
  /** How containers reach further than their loopback, or why they cannot. */
  readonly network: UserNetwork | NoNetwork;
  /** What the image `host` is made of. */
  readonly root: readonly Piece[];
}

/** Synchronous: boot only. */
export function rootlessFacts({ ids, limits, network: wanted }: Config['rootless']): RootlessFacts | undefined {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  if (uid === 0) return undefined;
  const user = { uid, gid, name: nameOf(uid) };
  const common = { user, limits, network: userNetwork(wanted), root: hostRoot() };
  const [newuidmap, newgidmap] = ids === 'single' ? [] : ['newuidmap', 'newgidmap'].map((name) => trustedProgram(name));
  const maps = subordinateMaps(user, { subuid: readOptional('/etc/subuid'), subgid: readOptional('/etc/subgid') });
  if (!newuidmap || !newgidmap || !maps) return { ...common, maps: singleMaps(user) };
  return { ...common, maps, helpers: { newuidmap, newgidmap } };
}

/** A user without an entry in passwd is one as well; its ranges may stand under its number. */
function nameOf(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return String(uid);
  }
}

function readOptional(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
