/**
 * What is stored: one record per image, one file per name. Comes in: `<images>/records` and `<images>/names`. Goes out: records by id, prefix or name. Called by the
 * driver. Every file appears and disappears as a whole, so that kernels sharing the store need no lock.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { CoreError, type Image, type ImageConfig } from '@core/core/plugin';
import { digest } from '../format/schemas.js';
import { names, readJson, removeFile, writeJson } from './files.js';
import { Unchanged } from './unchanged.js';

export interface ImageRecord extends Omit<Image, 'names'> {
  /** Of `dir:`, which is used where it is. */
  readonly folder?: string | undefined;
}

const schema = z.looseObject({
  id: digest, created: z.number(), os: z.string(), architecture: z.string(), config: z.looseObject({}), layers: z.array(digest), size: z.number(), folder: z.string().optional(),
});

export class Records {
  readonly #records: string;
  readonly #names: string;
  readonly #readRecords = new Unchanged<Map<string, ImageRecord | undefined>>();
  readonly #readNames = new Unchanged<Map<string, string>>();

  constructor(root: string) {
    this.#records = join(root, 'records');
    this.#names = join(root, 'names');
  }

  async put(record: ImageRecord): Promise<void> {
    await writeJson(this.#recordFile(record.id), record);
  }

  async get(id: string): Promise<ImageRecord | undefined> {
    const known = await this.#readRecords.read(this.#records, async () => new Map());
    if (!known.has(id)) known.set(id, await this.#read(id));
    return known.get(id);
  }

  async #read(id: string): Promise<ImageRecord | undefined> {
    const { success, data } = schema.safeParse(await readJson(this.#recordFile(id)));
    return success ? { ...data, config: data.config as ImageConfig } : undefined;
  }

  async remove(id: string): Promise<void> {
    await removeFile(this.#recordFile(id));
  }

  async list(): Promise<ImageRecord[]> {
    const found = await Promise.all((await names(this.#records)).map((file) => this.get(`sha256:${file.replace('.json', '')}`)));
    return found.filter((record) => record !== undefined);
  }

  async putName(name: string, id: string): Promise<void> {
    await writeJson(this.#nameFile(name), { id });
  }

  async removeName(name: string): Promise<void> {
    await removeFile(this.#nameFile(name));
  }

  /** Every name, with the id it leads to. */
  async names(): Promise<ReadonlyMap<string, string>> {
    return this.#readNames.read(this.#names, () => this.#readAllNames());
  }

  async #readAllNames(): Promise<Map<string, string>> {
    const all = await names(this.#names);
    const pairs = await Promise.all(all.map(async (file): Promise<[string, string | undefined]> => [decodeURIComponent(file), await this.byName(decodeURIComponent(file))]));
    return new Map(pairs.filter((pair): pair is [string, string] => pair[1] !== undefined).sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  async byName(name: string): Promise<string | undefined> {
    const { success, data } = z.looseObject({ id: digest }).safeParse(await readJson(this.#nameFile(name)));
    return success ? data.id : undefined;
  }

  /** Undefined when none begins so; `E_INVALID` when several do. */
  async byPrefix(digits: string): Promise<string | undefined> {
    const fitting = (await names(this.#records)).filter((file) => file.startsWith(digits));
    if (fitting.length > 1) {
      throw new CoreError('E_INVALID', { message: `${fitting.length} images have an id that begins with ${digits}`, hint: 'Give more digits.', issues: [{ path: 'image', message: 'is ambiguous' }] });
    }
    return fitting[0] === undefined ? undefined : `sha256:${fitting[0].replace('.json', '')}`;
  }

  #recordFile(id: string): string {
    return join(this.#records, `${id.replace('sha256:', '')}.json`);
  }

  #nameFile(name: string): string {
    return join(this.#names, encodeURIComponent(name));
  }
}
