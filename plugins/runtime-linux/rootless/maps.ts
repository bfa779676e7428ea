/**
 * Writes the id maps of an executor's fresh user namespace. Comes in: its pid and the maps. Goes out: the maps in force. Called while the executor waits for it.
 */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { CoreError, type Oci } from '@core/core/plugin';
import type { RootlessFacts } from './facts.js';

const TIMEOUT = 10_000;

/** Throws E_EXECUTOR. */
export async function writeMaps(pid: number, { maps, helpers }: RootlessFacts): Promise<void> {
  if (helpers) {
    await runHelper(helpers.newuidmap, pid, maps.uids);
    await runHelper(helpers.newgidmap, pid, maps.gids);
    return;
  }
  try {
    // Whoever could leave a group could open what that group is kept from: the kernel wants this said first.
    await writeFile(`/proc/${pid}/setgroups`, 'deny');
    await writeFile(`/proc/${pid}/uid_map`, mapText(maps.uids));
    await writeFile(`/proc/${pid}/gid_map`, mapText(maps.gids));
  } catch (thrown) {
    throw new CoreError('E_EXECUTOR', { message: `the ids of the user namespace could not be mapped: ${String(thrown)}`, cause: thrown });
  }
}

async function runHelper(program: string, pid: number, maps: readonly Oci.IdMapping[]): Promise<void> {
  const words = maps.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size].map(String));
  try {
    await promisify(execFile)(program, [String(pid), ...words], { timeout: TIMEOUT, env: {}, cwd: '/' });
  } catch (thrown) {
    const said = (thrown as { stderr?: string }).stderr?.trim() || String(thrown);
    throw new CoreError('E_EXECUTOR', {
      message: `${program}: ${said}`,
      hint: 'Look at /etc/subuid and /etc/subgid, and whether the program is setuid; or set "rootless": { "ids": "single" } in the config of runtime-linux.',
      cause: thrown,
    });
  }
}

function mapText(maps: readonly Oci.IdMapping[]): string {
  return maps.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
}
