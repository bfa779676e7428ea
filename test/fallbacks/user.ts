/**
 * An ordinary user's `core run`. Comes in: a folder of the test's own. Goes out: a command line that becomes such a user and runs it, or its end in a user namespace below
 * which there can be no other: what the machine's switch does, without anybody else noticing. Called by the tests beside it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { until } from '../helpers/kernel-process.js';
import type { Ended } from './deny.js';

const TREE = join(import.meta.dirname, '..', '..', '..');
const USER = 4242; // of ordinary-user.sh

const set = { plugins: ['@core/runtime-linux', '@core/image-oci'], run: { one: { image: 'host', command: ['echo', 'hello'] } } };

/** `args` go to `core`; SET stands for a plugin set. */
export function asOrdinary(folder: string, args: readonly string[]): string[] {
  const [user, file] = [join(folder, 'user'), join(folder, 'user-set.json')];
  chmodSync(folder, 0o711);
  mkdirSync(user, { mode: 0o711 });
  writeFileSync(file, JSON.stringify(set));
  chownSync(file, USER, USER);
  const core = ['core/bin/core.mjs', '--json', ...args.map((word) => (word === 'SET' ? file : word))];
  return ['unshare', '--mount', '--net', '--propagation', 'private', 'sh', join(TREE, 'scripts', 'lib', 'ordinary-user.sh'), user, TREE, process.execPath, ...core];
}

const SCRIPT = 'read go; exec sh -ec \'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"\' sh "$@"';

export async function withoutFurtherNamespaces(command: readonly string[]): Promise<Ended> {
  const child = spawn('unshare', ['--user', 'sh', '-c', SCRIPT, 'sh', ...command], { stdio: 'pipe' });
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  const at = (name: string): string => `/proc/${child.pid}/${name}`;
  await until('the user namespace is there', () => readlinkSync(at('ns/user')) !== readlinkSync('/proc/self/ns/user'));
  for (const name of ['uid_map', 'gid_map']) writeFileSync(at(name), '0 0 65536');
  child.stdin.end('\n');
  const [status] = (await once(child, 'close')) as [number | null];
  const [stdout, stderr] = await said;
  return { status, stdout, stderr };
}
