/**
 * Another engine that drives `core-oci`. Comes in: a title, the programs of that engine, how it is set up in a folder. Goes out: an ava test that fails when anything is
 * left of it on the machine, or in the runtime's records. Called by the tests beside it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { executorBinary } from '../../helpers/executor-plan.js';
import { lacksImages } from '../../helpers/images.js';
import { cgroups, leaksSince, ownProcesses, report, snapshot, type Scope } from '../../helpers/leaks/index.js';
import { lacks } from '../../helpers/machine.js';

export const RUNTIME = fileURLToPath(new URL('../../../../plugins/runtime-linux/bin/core-oci.cjs', import.meta.url));

export interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a test does with its engine. */
export interface Peer {
  /** A command line of the engine's own client, to its end. */
  call(args: readonly string[], options?: CallOptions): Answer;
  /** Before anything is looked for: containers, images, daemons. */
  close(): Promise<void>;
  /** Where `core-oci` keeps its records. */
  readonly state: string;
}

export interface PeerKind<P extends Peer> {
  readonly name: string;
  readonly tools: readonly string[];
  setUp(place: Place): Promise<P>;
}

/** Declares tests of one engine. */
export function testsOf<P extends Peer>({ name, tools, setUp }: PeerKind<P>): (title: string, body: (t: ExecutionContext, peer: P) => Promise<void> | void) => void {
  const missing = lacks({ root: true, tools: [...tools, 'script', 'stty'] }) ?? lacksImages('oci') ?? (existsSync(executorBinary) ? undefined : 'the executor is not built');
  return (title, body) => {
    if (missing !== undefined && process.env['CI'] !== 'true') return void test.skip(`${name}: ${title} (${missing})`, () => {});
    test.serial(`${name}: ${title}`, async (t) => {
      t.timeout(60_000);
      if (missing !== undefined) return t.fail(`cannot run here: ${missing}`);
      await inPlace(t, async (place) => {
        const peer = await setUp(place);
        const before = namesIn(peer.state);
        try {
          await body(t, peer);
        } finally {
          await peer.close();
        }
        t.deepEqual(namesIn(peer.state), before, 'records of the runtime');
      });
    });
  };
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

async function inPlace(t: ExecutionContext, work: (place: Place) => Promise<void>): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), 'peer-'));
  chmodSync(base, 0o711);
  const place = new Place(base);
  // What an engine keeps in its folder goes with the folder.
  const scope: Scope = { folders: [base], cgroup: (path) => path.includes(place.group), mayStay: () => true };
  const before = snapshot(scope);
  try {
    await work(place);
    await place.dropGroups();
    t.is(report(await leaksSince(before, scope)), '', 'left behind');
  } finally {
    for (const { pid } of ownProcesses(scope)) kill(pid);
    rmSync(base, { recursive: true, force: true });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

export interface CallOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

export class Place {
  /** The cgroup above all containers of the test. */
  readonly group: string;

  constructor(readonly base: string) {
    this.group = `/${base.slice(base.lastIndexOf('/') + 1)}`;
  }

  folder(name: string): string {
    const path = join(this.base, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Output goes to files: what stays behind would hold a pipe open. */
  call(program: string, args: readonly string[], { env = {}, input = '' }: CallOptions = {}): Answer {
    const paths = ['stdout', 'stderr'].map((name) => join(this.base, name));
    const outputs = paths.map((path) => openSync(path, 'w'));
    const { status } = spawnSync(program, args, { input, stdio: ['pipe', ...outputs], timeout: 40_000, env: { PATH: process.env['PATH'], HOME: this.base, TMPDIR: this.folder('tmp'), SHELL: '/bin/sh', ...env } });
    outputs.forEach((fd) => closeSync(fd));
    const [stdout = '', stderr = ''] = paths.map((path) => readFileSync(path, 'utf8'));
    return { status, stdout, stderr };
  }

  /** On a terminal of 33 rows and 77 columns; what it shows is the answer's stdout. */
  onTerminal(program: string, args: readonly string[], options?: CallOptions): Answer {
    const words = [program, ...args].map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
    const answer = this.call('script', ['-qec', `stty rows 33 cols 77; exec ${words}`, '/dev/null'], options);
    return { ...answer, stdout: answer.stdout.replaceAll(/\r+\n/g, '\n') };
  }

  /** The group above the containers is the engine's, and some leave it, podman with a conmon that is still ending. What does not get empty stays, and is found. */
  async dropGroups(): Promise<void> {
    const left = (): string[] => [...cgroups({ cgroup: (path) => path.endsWith(this.group) || path.endsWith(`${this.group}/conmon`) }).keys()];
    for (let tries = 0; tries < 100 && left().length > 0; tries++) {
      for (const path of left().toSorted((a, b) => b.length - a.length)) removeGroup(path);
      if (left().length > 0) await sleep(50);
    }
  }
}

function removeGroup(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Still in use.
  }
}
