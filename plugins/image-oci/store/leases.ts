/**
 * Who still needs which layers. Comes in: owners and layers. Goes out: the set of layers in use. Called by the driver and by the collector.
 *
 * A lease is a file, so that kernels sharing the store see each other's. There is one per kernel and image, not per container: it is written before the first container
 * of the image is made, and afterwards a start costs no write. The owners in it follow a little later; they are looked at after a restart alone. Work under way has a lease named
 * by its process. Whoever takes a lease writes it first and looks for the layers afterwards; whoever removes layers moves them aside first and looks for leases
 * afterwards. So one of the two always sees the other, and no lock is needed.
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
  /** Of containers: their kernel's root, and their ids. */
  root: z.string().optional(),
  owners: z.array(z.string()).optional(),
});

export type Lease = z.output<typeof schema>;

type Wanted = Pick<Lease, 'image' | 'layers'>;

/** A kernel's lease of one image. */
interface Held extends Wanted {
  readonly owners: Set<string>;
  /** The file is there. */
  readonly written: Promise<void>;
}

/** Milliseconds until the files follow. An image whose last container is gone is likely to be used again at once. */
const FOLLOW_MS = 1000;

export class Leases {
  readonly #folder: string;
  readonly #root: string;
  readonly #held = new Map<string, Held>();
  readonly #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #following: Promise<void> = Promise.resolve();

  /** `root` is the kernel's own. */
  constructor(images: string, root: string) {
    this.#folder = join(images, 'leases');
    this.#root = root;
  }

  async take(owner: string, wanted: Wanted): Promise<void> {
    const held = this.#held.get(wanted.image) ?? this.#open(wanted);
    held.owners.add(owner);
    this.#follow(wanted.image);
    try {
      await held.written;
    } catch (thrown) {
      this.#held.delete(wanted.image);
      throw thrown;
    }
  }

  /** After a crash an owner may stand in several leases. */
  release(owner: string): void {
    for (const [image, { owners }] of this.#held) if (owners.delete(owner)) this.#follow(image);
  }

  /** For as long as `work` runs; void should this process die. */
  async during<T>(held: Wanted, work: () => Promise<T>): Promise<T> {
    const file = join(this.#folder, `${uniqueName()}.json`);
    await writeJson(file, held, { durable: false });
    try {
      return await work();
    } finally {
      await removeFile(file);
    }
  }

  /** Of every kernel; of this one only those in use. */
  async all(): Promise<Lease[]> {
    await this.settle();
    const leases: Lease[] = [];
    for (const name of await names(this.#folder)) {
      const lease = await this.#read(name);
      if (lease && lives(name, lease)) leases.push(lease);
    }
    return leases;
  }

  /** Brings the files up to date now. */
  async settle(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#following = this.#following.then(() => this.#write());
    await this.#following;
  }

  /**
   * Drops this kernel's leases without an owner in `alive`, and those of kernels and processes that are no more. A crash may have kept an owner out of its file: as long
   * as one of `alive` is in none, every lease is kept.
   */
  async reconcile(alive: ReadonlySet<string>): Promise<void> {
    for (const owner of [...this.#held.values()].flatMap(({ owners }) => [...owners])) if (!alive.has(owner)) this.release(owner);
    await this.settle();
    const mine: Array<{ readonly file: string; readonly lease: Lease }> = [];
    for (const name of await names(this.#folder)) {
      const file = join(this.#folder, name);
      const lease = await this.#read(name);
      if (!lease || !lives(name, lease)) await removeFile(file);
      else if (lease.root === this.#root) mine.push({ file, lease });
    }
    const known = new Set(mine.flatMap(({ lease }) => lease.owners ?? []));
    const unsure = [...alive].filter((owner) => !known.has(owner));
    for (const { file, lease } of mine) {
      const owners = (lease.owners ?? []).filter((owner) => alive.has(owner));
      if (owners.length > 0 || unsure.length > 0) this.#adopt(lease, [...owners, ...unsure]);
      else await removeFile(file);
    }
  }

  #adopt({ image, layers }: Lease, owners: readonly string[]): void {
    const held = this.#held.get(image) ?? { image, layers, owners: new Set<string>(), written: Promise.resolve() };
    this.#held.set(image, held);
    for (const owner of owners) held.owners.add(owner);
  }

  #open(wanted: Wanted): Held {
    const written = this.#following.then(() => this.#put(wanted, []));
    const held = { ...wanted, owners: new Set<string>(), written };
    this.#held.set(wanted.image, held);
    return held;
  }

  #follow(image: string): void {
    this.#changed.add(image);
    this.#timer ??= setTimeout(() => void this.settle().catch(() => {}), FOLLOW_MS).unref();
  }

  async #write(): Promise<void> {
    for (const image of this.#changed) {
      this.#changed.delete(image);
      const held = this.#held.get(image);
      if (!held) continue;
      if (held.owners.size > 0) {
        await this.#put(held, [...held.owners]);
        continue;
      }
      // Gone from memory first: who comes meanwhile writes a lease anew, behind this removal.
      this.#held.delete(image);
      await removeFile(this.#file(image));
    }
  }

  async #put({ image, layers }: Wanted, owners: readonly string[]): Promise<void> {
    // A lease ends with the containers, at the latest when the machine does.
    await writeJson(this.#file(image), { image, layers, root: this.#root, owners }, { durable: false });
  }

  async #read(name: string): Promise<Lease | undefined> {
    const { success, data } = schema.safeParse(await readJson(join(this.#folder, name)));
    return success ? data : undefined;
  }

  #file(image: string): string {
    return join(this.#folder, `${createHash('sha256').update(`${this.#root}\0${image}`).digest('hex').slice(0, 40)}.json`);
  }
}

/** An ephemeral kernel's root is removed with it. */
function lives(name: string, { root }: Lease): boolean {
  return root === undefined ? ownerLives(name) : existsSync(root);
}
