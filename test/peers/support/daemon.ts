/**
 * A daemon of a test's own. Comes in: its command line and the test's place. Goes out: the process, once it answers, and its end. Called by the engines that have one.
 *
 * It lives in a mount namespace where /run and /etc are the test's: what a daemon keeps there whatever its configuration says, sockets of its shims or keys, is gone
 * with the test.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Place } from './peer.js';

const PATIENCE_MS = 20_000;

/** $0 is the folder for /run, $1 and $2 are for what is written to /etc. */
const SCRIPT = 'mount --bind "$0" /run && mount -t overlay -o "lowerdir=/etc,upperdir=$1,workdir=$2" peer /etc && shift 2 && exec "$@"';

export interface DaemonOptions {
  /** A network namespace of its own, for those that would change the machine's. */
  readonly network?: boolean;
  readonly answers: () => boolean;
}

export class Daemon {
  private constructor(
    readonly process: ChildProcess,
    readonly log: string,
  ) {}

  static async start(place: Place, argv: readonly string[], { network = false, answers }: DaemonOptions): Promise<Daemon> {
    const log = join(place.base, 'daemon.log');
    const output = openSync(log, 'w');
    const folders = ['run', 'etc', 'work'].map((name) => place.folder(`daemon/${name}`));
    const child = spawn('unshare', ['--mount', ...(network ? ['--net'] : []), '--propagation', 'private', 'sh', '-c', SCRIPT, ...folders, ...argv], {
      stdio: ['ignore', output, output],
      env: { PATH: process.env['PATH'], HOME: place.base, TMPDIR: place.folder('tmp') },
    });
    closeSync(output);
    const daemon = new Daemon(child, log);
    for (const end = Date.now() + PATIENCE_MS; !answers(); ) {
      if (daemon.hasEnded || Date.now() > end) {
        await daemon.stop();
        throw new Error(`${argv[0] ?? ''} does not answer; it said:\n${readFileSync(log, 'utf8').slice(-4000)}`);
      }
      await sleep(50);
    }
    return daemon;
  }

  get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  async stop(): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    const late = setTimeout(() => this.process.kill('SIGKILL'), PATIENCE_MS);
    await ended;
    clearTimeout(late);
  }
}
