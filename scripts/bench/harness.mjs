/**
 * What the rows share. Comes in: how often to measure. Goes out: a booted kernel, the peers in namespaces of their own, an image
 * and a bundle with the same features for both sides. Each is made when a row first asks, and all of it ends with `close`.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ociLayout, rootfs } from '../../test/dist/helpers/images.js';
import { PeerHost, findProgram } from './peers.mjs';
import { writeBundle } from './bundle.mjs';

export const TRUE = ['/bin/true'];
/** All namespaces (network included) and seccomp are the defaults. */
export const LIMITS = { memory: '256m', pids: 64, cpus: 1 };

const coreOci = join(import.meta.dirname, '..', '..', 'plugins', 'runtime-linux', 'bin', 'core-oci.cjs');

export class Harness {
  folder = mkdtempSync(join(tmpdir(), 'bench-'));
  /** What a machine has in /run, a tmpfs: sockets and state, ours and the peers'. */
  runFolder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'bench-'));
  #n;
  #image;
  #made = new Map();
  #closers = [];

  constructor(n) {
    this.#n = n;
  }

  /** How often: what `--n` says, else what the row wants. */
  times(wanted) {
    return this.#n ?? wanted;
  }

  async close() {
    for (const closer of this.#closers.toReversed()) await closer();
    for (const folder of [this.folder, this.runFolder]) rmSync(folder, { recursive: true, force: true });
  }

  get image() {
    this.#image ??= ociLayout();
    return this.#image;
  }

  /** The SDK on a kernel of its own in this process, as a script has it. */
  sdk() {
    return this.#once('sdk', async () => {
      const { boot } = await import('@core/sdk');
      const sdk = await boot({ root: join(this.folder, 'root'), runRoot: join(this.runFolder, 'run') });
      this.#closers.push(() => sdk.close());
      await sdk.image(this.image);
      return sdk;
    });
  }

  /** An OCI runtime that is a command (`crun`, `runc`, our own `core-oci`), ready to run the bundle. */
  runtime(name) {
    return this.#once(name, async () => {
      const program = name === 'core-oci' ? [process.execPath, coreOci] : [findProgram(name)];
      if (!program[0]) throw new Absent(`${name} is not installed`);
      const host = await this.#host();
      const [spec, merged] = [await this.#spec(), await this.#overlay(host)];
      const bundle = (label, args) =>
        writeBundle({ folder: join(this.folder, name, label), rootfs: merged, spec, cgroup: `/bench-${process.pid}-${name}-${label}`, args });
      return new CommandRuntime(host, [...program, '--root', join(this.runFolder, `${name}-state`)], bundle);
    });
  }

  /** A private place for daemons. */
  daemons() {
    return this.#once('daemons', async () => {
      const host = new PeerHost({ network: true });
      this.#closers.push(() => host.close());
      return host;
    });
  }

  #host() {
    return this.#once('host', async () => {
      const host = new PeerHost();
      this.#closers.push(() => host.close(), removeGroups);
      return host;
    });
  }

  /** Made once, outside the measured time: the peers are spared what ours pays in each run. */
  #overlay(host) {
    return this.#once('overlay', async () => {
      const [upper, work, merged] = ['upper', 'work', 'merged'].map((name) => join(this.folder, 'overlay', name));
      for (const path of [upper, work, merged]) mkdirSync(path, { recursive: true });
      await host.time([findProgram('mount'), '-t', 'overlay', 'overlay', '-o', `lowerdir=${rootfs()},upperdir=${upper},workdir=${work}`, merged]);
      return merged;
    });
  }

  /** What our engine hands to its own runtime for the very container the rows run. */
  #spec() {
    return this.#once('spec', async () => {
      const sdk = await this.sdk();
      const container = await sdk.create(this.image, { ...LIMITS, command: TRUE });
      const { spec } = await container.inspect();
      await container.remove();
      return spec;
    });
  }

  #once(name, make) {
    if (!this.#made.has(name)) this.#made.set(name, make());
    return this.#made.get(name);
  }
}

/** The peer is not there; ours is measured all the same. */
export class Absent extends Error {}

/** Each lane has a bundle of its own, because a bundle names a cgroup. */
class CommandRuntime {
  #host;
  #command;
  #bundle;
  #lanes = new Map();
  #serial = 0;

  constructor(host, command, bundle) {
    this.#host = host;
    this.#command = command;
    this.#bundle = bundle;
  }

  /** `run` to its end: milliseconds. */
  run(lane = 0) {
    if (!this.#lanes.has(lane)) this.#lanes.set(lane, this.#bundle(`lane${lane}`, TRUE));
    return this.#host.time([...this.#command, 'run', '--bundle', this.#lanes.get(lane), this.#name()]);
  }

  /** As an engine does it, a command each: milliseconds of `create`, `start` and `delete --force` together. */
  async lifecycle() {
    const name = this.#name();
    if (!this.#lanes.has('kept')) this.#lanes.set('kept', this.#bundle('kept', ['/bin/sleep', '100000']));
    const made = await this.#host.time([...this.#command, 'create', '--bundle', this.#lanes.get('kept'), name], { detached: true });
    const started = await this.#host.time([...this.#command, 'start', name]);
    return made + started + (await this.#host.time([...this.#command, 'delete', '--force', name]));
  }

  /** A container to exec into. */
  async hold() {
    const name = this.#name();
    await this.#host.time([...this.#command, 'run', '--detach', '--bundle', this.#bundle('held', ['/bin/sleep', '100000']), name], { detached: true });
    return {
      exec: (args) => this.#host.time([...this.#command, 'exec', name, ...args]),
      end: () => this.#host.time([...this.#command, 'delete', '--force', name]),
    };
  }

  #name() {
    return `b${process.pid}-${this.#serial++}`;
  }
}

function removeGroups() {
  for (const hierarchy of readdirSync('/sys/fs/cgroup')) {
    let names = [];
    try {
      names = readdirSync(join('/sys/fs/cgroup', hierarchy)).filter((name) => name.startsWith(`bench-${process.pid}-`));
    } catch {
      continue;
    }
    for (const name of names) rmdirSync(join('/sys/fs/cgroup', hierarchy, name));
  }
}
