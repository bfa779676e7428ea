/**
 * The peers' side of the bench. Comes in: what a peer needs. Goes out: a `PeerHost`, in whose private namespaces commands can be
 * run and timed. Called by the rows.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';

/** The path of a program, or undefined. */
export function findProgram(name) {
  return ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * crun refuses a hybrid view whose v2 tree owns a controller, so there it sees the v1 hierarchies alone, as bind mounts. The
 * namespace is private: the machine keeps its own view.
 */
const v1View = `
view=$(mktemp -d) && mount -t tmpfs -o mode=755 bench "$view"
for path in /sys/fs/cgroup/*/; do
  name=$(basename "$path"); [ "$name" = unified ] && continue
  mkdir "$view/$name" && mount --bind "$path" "$view/$name"
done
mount --move "$view" /sys/fs/cgroup && rmdir "$view"
`;

export class PeerHost {
  #child;
  #waiting = new Map();
  #next = 1;

  /** `network`: a network namespace of its own too, for daemons that would change the machine's. */
  constructor({ network = false, v1Only = existsSync('/sys/fs/cgroup/unified/cgroup.controllers') } = {}) {
    const script = `set -e\n${v1Only ? v1View : ''}${network ? 'ip link set lo up\n' : ''}exec "$0" "$1"`;
    const args = ['--mount', '--propagation', 'private', ...(network ? ['--net'] : []), 'sh', '-c', script, process.execPath, join(import.meta.dirname, 'peer-host.mjs')];
    this.#child = spawn('unshare', args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (message) => {
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
    });
    this.#child.on('exit', (status) => {
      for (const [id, settle] of this.#waiting) settle({ id, status: status ?? 1, ms: 0, stdout: '', stderr: 'the host of the peers ended' });
      this.#waiting.clear();
    });
  }

  /**
   * Never rejects: a peer that fails is a result too. `background`: a daemon, ended with this host; `detached`: what it leaves
   * running may not hold our pipes.
   */
  try(argv, { background = false, detached = false } = {}) {
    const id = this.#next++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#child.send({ id, argv, background, detached });
    });
  }

  /** Milliseconds from spawn to exit. */
  async time(argv, options) {
    const { status, ms, stderr, stdout } = await this.try(argv, options);
    if (status !== 0) throw new Error(`${argv.slice(0, 4).join(' ')}: exit code ${status}: ${stderr || stdout}`);
    return ms;
  }

  async close() {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.connected) this.#child.disconnect();
    await ended;
  }
}
