/**
 * Who still needs which layers. Comes in: owners and layers. Goes out: the set of layers in use. Called by the driver and by the collector.
 *
 * A lease is a file, so that kernels sharing the store see each other's. A container's names its kernel's root and its id; one of work under way names the process.
 * Whoever takes a lease writes it first and looks for the layers afterwards; whoever removes layers moves them aside first and looks for leases afterwards. So one of
 * the two always sees the other, and no lock is needed.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { names, readJson, removeFile, writeJson } from './files.js';
import { ownerLives, uniqueName } from './process.js';

const schema = z.object({
  image: z.string(),
  layers: z.array(z.string()),
  /** Of a container: its kernel's root, and its id. */
  root: z.string().optional(),
  owner: z.string().optional(),
});

export type Lease = z.output<typeof schema>;

export class Leases {
  readonly #folder: string;
  readonly #root: string;

  /** `root` is the kernel's own. */
  constructor(images: string, root: string) {
    this.#folder = join(images, 'leases');
    this.#root = root;
  }

  async take(owner: string, held: Pick<Lease, 'image' | 'layers'>): Promise<void> {
    await writeJson(this.#file(owner), { ...held, root: this.#root, owner });
  }

  async release(owner: string): Promise<void> {
    await removeFile(this.#file(owner));
  }

  /** For as long as `work` runs; void should this process die. */
  async during<T>(held: Pick<Lease, 'image' | 'layers'>, work: () => Promise<T>): Promise<T> {
    const file = join(this.#folder, `${uniqueName()}.json`);
    await writeJson(file, held);
    try {
      return await work();
    } finally {
      await removeFile(file);
    }
  }

  async all(): Promise<Lease[]> {
    const leases: Lease[] = [];
    for (const name of await names(this.#folder)) {
      const { success, data } = schema.safeParse(await readJson(join(this.#folder, name)));
      if (success && lives(name, data)) leases.push(data);
    }
    return leases;
  }

  /** Drops this kernel's leases whose owner is not in `alive`, and those of kernels and processes that are no more. */
  async reconcile(alive: ReadonlySet<string>): Promise<void> {
    for (const name of await names(this.#folder)) {
      const file = join(this.#folder, name);
      const { success, data } = schema.safeParse(await readJson(file));
      const mine = success && data.root === this.#root;
      if (!success || !lives(name, data) || (mine && !alive.has(data.owner ?? ''))) await removeFile(file);
    }
  }

  #file(owner: string): string {
    return join(this.#folder, `${createHash('sha256').update(`${this.#root}\0${owner}`).digest('hex').slice(0, 40)}.json`);
  }
}

/** An ephemeral kernel's root is removed with it. */
function lives(name: string, { root }: Lease): boolean {
  return root === undefined ? ownerLives(name) : existsSync(root);
}
