/** Containers by specs of their own, over a driver alone. Comes in: what differs from a plain spec. Goes out: what the container said, and its pid. Called by the tests beside it. */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Oci, Rootfs } from '@core/core/plugin';
import type { ExecutionContext } from 'ava';
import { config } from '#runtime-linux/config.js';
import { createDriver } from '#runtime-linux/driver.js';
import { lacksImages, rootfs } from '../../helpers/images.js';

/** Why these tests cannot run here. */
export const lacking = lacksImages('rootfs');

export interface Wish {
  readonly process?: Partial<Oci.Process>;
  readonly linux?: Partial<Oci.Linux>;
  /** After those of /proc and /dev. */
  readonly mounts?: readonly Oci.Mount[];
  readonly rootfs?: Rootfs;
}

export interface Box {
  readonly id: string;
  readonly pid: number;
  /** What the script printed, line by line. */
  readonly lines: readonly string[];
}

export class Runtime {
  #count = 0;

  private constructor(
    readonly folder: string,
    readonly driver: Awaited<ReturnType<typeof createDriver>>,
  ) {}

  /** A driver of the test's own; everything it had is gone after it. */
  static async open(t: ExecutionContext): Promise<Runtime> {
    const folder = mkdtempSync(join(tmpdir(), 'core-spec-'));
    chmodSync(folder, 0o711);
    const driver = await createDriver({ ...config.parse({ cgroupParent: '/core-spec' }), root: join(folder, 'root'), runRoot: join(folder, 'run'), lease: true });
    t.teardown(async () => {
      await driver.close();
      rmSync(folder, { recursive: true, force: true });
    });
    return new Runtime(folder, driver);
  }

  /** Runs the script and keeps the container until the test ends. */
  async up(script: string, wish: Wish = {}): Promise<Box> {
    const id = await this.#create(`${script}\necho --said--; exec sleep 1000`, wish);
    const { pid } = await this.driver.start({ id });
    return { id, pid: pid as number, lines: await this.#said(id) };
  }

  /** Runs the script as all there is, to its end. */
  async once(script: string, wish: Wish = {}): Promise<string[]> {
    const id = await this.#create(script, wish);
    await this.driver.start({ id });
    await this.driver.wait({ id });
    return this.#log(id);
  }

  /** Runs a script in a running container. */
  async exec(id: string, script: string): Promise<string[]> {
    let text = '';
    for await (const event of this.driver.exec({ id, args: ['sh', '-c', script] })) if (event.type === 'stdout' || event.type === 'stderr') text += Buffer.from(event.data).toString();
    return text.trim().split('\n');
  }

  async #create(script: string, wish: Wish): Promise<string> {
    this.#count += 1;
    const id = `box${this.#count}`;
    await this.driver.create({ id, spec: specOf(script, wish), rootfs: wish.rootfs ?? { kind: 'overlay', lowers: [rootfs()] } });
    return id;
  }

  async #log(id: string): Promise<string[]> {
    const lines: string[] = [];
    for await (const { line } of this.driver.logs({ id })) lines.push(line);
    return lines;
  }

  async #said(id: string): Promise<string[]> {
    for (let tries = 0; tries < 500; tries++) {
      const lines = await this.#log(id);
      if (lines.at(-1) === '--said--') return lines.slice(0, -1);
      await sleep(10);
    }
    throw new Error(`the script of ${id} did not come to its end`);
  }
}

function specOf(script: string, { process = {}, linux = {}, mounts = [] }: Wish): Oci.Spec {
  return {
    ociVersion: '1.3.0',
    process: { args: ['sh', '-c', script], env: ['PATH=/bin'], cwd: '/', user: { uid: 0, gid: 0 }, ...process },
    mounts: [{ destination: '/proc', type: 'proc' }, { destination: '/dev', type: 'tmpfs', options: ['mode=755'] }, ...mounts],
    linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }, { type: 'ipc' }, { type: 'network' }], ...linux },
  };
}

/** Fields of /proc/PID/stat by their numbers in proc(5). */
export function statFields(pid: number, ...numbers: readonly number[]): number[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const rest = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return numbers.map((number) => Number(rest[number - 3]));
}
