/**
 * Unpacked layers, by diffID. Comes in: `<images>/layers/sha256/DIGITS`, each a folder with `tree` and `layer.json`. Goes out: which are there, new ones, none that
 * nobody needs. Called by the driver. A layer's folder appears by one rename, complete, and disappears by one.
 */
import { mkdir, open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CoreError, type CallOptions, type Layers } from '@core/core/plugin';
import type { FoundLayer } from '../source/found.js';
import { ioError, names, readJson, writeJson } from './files.js';
import type { Leases } from './leases.js';
import { ownerLives, uniqueName } from './process.js';
import { SingleFlight } from './single-flight.js';
import { Unchanged } from './unchanged.js';

const facts = z.object({ size: z.number(), entries: z.number(), opaque: z.boolean() });

export interface StoredLayer extends z.output<typeof facts> {
  readonly diffId: string;
  readonly tree: string;
}

export interface LayerLimits {
  readonly maxBytes: number;
  readonly maxEntries: number;
}

export class LayerStore {
  readonly #layers: string;
  readonly #tmp: string;
  readonly #port: Layers;
  readonly #limits: LayerLimits;
  readonly #flights = new SingleFlight<StoredLayer>();
  readonly #readLayers = new Unchanged<Map<string, StoredLayer | undefined>>();

  constructor({ root, port, limits }: { readonly root: string; readonly port: Layers; readonly limits: LayerLimits }) {
    this.#layers = join(root, 'layers', 'sha256');
    this.#tmp = join(root, 'tmp');
    this.#port = port;
    this.#limits = limits;
  }

  /** A path of one's own that is swept when this process is no more. */
  scratch(): string {
    return join(this.#tmp, uniqueName());
  }

  async get(diffId: string): Promise<StoredLayer | undefined> {
    const known = await this.#readLayers.read(this.#layers, async () => new Map());
    if (!known.has(diffId)) known.set(diffId, await this.#read(diffId));
    return known.get(diffId);
  }

  async #read(diffId: string): Promise<StoredLayer | undefined> {
    const folder = this.#folder(diffId);
    const { success, data } = facts.safeParse(await readJson(join(folder, 'layer.json')));
    return success ? { diffId, tree: join(folder, 'tree'), ...data } : undefined;
  }

  /** The layer, unpacked if it is not there; once, however many ask. */
  async ensure(layer: FoundLayer, { signal, onProgress }: CallOptions): Promise<StoredLayer> {
    const found = await this.get(layer.diffId);
    if (found) {
      onProgress?.({ id: layer.diffId, phase: 'unpack', done: true });
      return found;
    }
    return this.#flights.run(layer.diffId, { signal, work: (shared) => this.#unpack(layer, { signal: shared, onProgress }) });
  }

  /** Removes those of `candidates` that no image and no lease needs. */
  async collect(candidates: readonly string[], { needed, leases }: { readonly needed: () => Promise<ReadonlySet<string>>; readonly leases: Leases }): Promise<void> {
    const used = async (): Promise<ReadonlySet<string>> => new Set([...(await needed()), ...(await leases.all()).flatMap(({ layers }) => layers)]);
    const before = await used();
    const aside: string[] = [];
    for (const diffId of candidates.filter((candidate) => !before.has(candidate))) {
      const away = this.scratch();
      if (!(await moved(this.#folder(diffId), away))) continue;
      if ((await used()).has(diffId) && (await moved(away, this.#folder(diffId)))) continue;
      aside.push(away);
    }
    if (aside.length > 0) await this.#port.remove({ paths: aside });
  }

  async list(): Promise<string[]> {
    return (await names(this.#layers)).map((digits) => `sha256:${digits}`);
  }

  /** Removes what processes that are no more left half done. */
  async sweep(): Promise<void> {
    const left = (await names(this.#tmp)).filter((name) => !ownerLives(name)).map((name) => join(this.#tmp, name));
    if (left.length > 0) await this.#port.remove({ paths: left });
  }

  async #unpack(layer: FoundLayer, { signal, onProgress }: CallOptions): Promise<StoredLayer> {
    const { diffId, digest, range } = layer;
    const work = this.scratch();
    try {
      await mkdir(work, { recursive: true, mode: 0o700 });
      const request = { ...range, digest, diffId, target: join(work, 'tree'), ...this.#limits };
      const { size, entries, opaque } = await this.#port.unpack(request, {
        signal,
        onProgress: (progress) => onProgress?.({ ...progress, id: diffId, phase: 'unpack', done: false }),
      });
      await writeJson(join(work, 'layer.json'), { size, entries, opaque });
      await this.#publish(work, diffId);
      onProgress?.({ id: diffId, phase: 'unpack', done: true });
      return { diffId, tree: join(this.#folder(diffId), 'tree'), size, entries, opaque };
    } finally {
      await this.#port.remove({ paths: [work] });
    }
  }

  /** Another kernel may have been faster: then its work, which is the same, stays. */
  async #publish(work: string, diffId: string): Promise<void> {
    await mkdir(this.#layers, { recursive: true, mode: 0o700 });
    if (!(await moved(work, this.#folder(diffId))) && !(await this.get(diffId))) {
      throw new CoreError('E_IO', { message: `layer ${diffId} could not be moved to its place` });
    }
    const folder = await open(this.#layers, 'r');
    await folder.sync().finally(() => folder.close());
  }

  #folder(diffId: string): string {
    return join(this.#layers, diffId.replace('sha256:', ''));
  }
}

/** Whether it was: not when there is nothing to move, nor when something stands at the other place. */
async function moved(from: string, to: string): Promise<boolean> {
  try {
    if (await stat(to).catch(() => undefined)) return false;
    await rename(from, to);
    return true;
  } catch (thrown) {
    if (['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return false;
    throw ioError(from, thrown);
  }
}
