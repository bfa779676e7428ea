/**
 * The network an ordinary user's containers can have: a program of the machine's that moves what they send as traffic of its own. Comes in: which one is wanted. Goes
 * out: how it is started, or why there is none. Called by `facts.ts`, once, when the driver is made.
 */
import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.js';
import { trustedProgram } from './programs.js';

export interface UserNetwork {
  /** Its command line; `@netns` stands for the container's network namespace. */
  readonly argv: readonly string[];
  /** It says on descriptor 3 when it is ready; otherwise by going to the background. */
  readonly says: boolean;
  /** Where it takes questions for the machine's resolver. */
  readonly nameserver: string;
}

export interface NoNetwork {
  readonly lacks: string;
  readonly hint: string;
}

export type Wanted = Config['rootless']['network'];

const RESOLVER = '169.254.1.1';

/** No port of the machine's leads inside, none of its loopback is reached from there. In the order of choice. */
const programs: Readonly<Record<Exclude<Wanted, 'auto' | 'none'>, (path: string) => UserNetwork>> = {
  pasta: (path) => ({
    argv: [path, '--config-net', '--quiet', '--no-map-gw', '--no-netns-quit', '-t', 'none', '-u', 'none', '-T', 'none', '-U', 'none', '--dns-forward', RESOLVER, '--netns-only', '--netns', '@netns'],
    says: false,
    nameserver: RESOLVER,
  }),
  slirp4netns: (path) => ({
    argv: [path, '--configure', '--mtu=65520', '--disable-host-loopback', '--enable-sandbox', '--ready-fd=3', '--netns-type=path', '@netns', 'tap0'],
    says: true,
    nameserver: '10.0.2.3',
  }),
};

const TUN = '/dev/net/tun';

/** Synchronous: boot only. */
export function userNetwork(wanted: Wanted, { find = trustedProgram, mayUse = isUsable }: { readonly find?: (name: string) => string | undefined; readonly mayUse?: (path: string) => boolean } = {}): UserNetwork | NoNetwork {
  if (wanted === 'none') return { lacks: 'the config of runtime-linux says "rootless": { "network": "none" }', hint: 'Leave that out.' };
  if (!mayUse(TUN)) return { lacks: `this user may not open ${TUN}`, hint: `chmod 666 ${TUN}, as most distributions have it: whoever opens it still needs a network of his own.` };
  for (const [name, make] of Object.entries(programs)) {
    const path = wanted === 'auto' || wanted === name ? find(name) : undefined;
    if (path !== undefined) return make(path);
  }
  return { lacks: wanted === 'auto' ? 'neither pasta (package passt) nor slirp4netns is installed' : `${wanted} is not installed`, hint: 'Install one of them.' };
}

function isUsable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where it is, if there is a network at all. Synchronous: boot only. */
export function writeResolver(folder: string, network: UserNetwork | NoNetwork): string | undefined {
  if ('lacks' in network) return undefined;
  const path = join(folder, 'resolv.conf');
  writeFileSync(path, resolverText(network), { mode: 0o644 });
  return path;
}

/** The text of a container's /etc/resolv.conf: the program's resolver, with the machine's search list. */
export function resolverText({ nameserver }: UserNetwork, machine: string = readOptional('/etc/resolv.conf')): string {
  const kept = machine.split('\n').filter((line) => /^(search|domain|options)\s/.test(line));
  return [`nameserver ${nameserver}`, ...kept, ''].join('\n');
}

function readOptional(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
