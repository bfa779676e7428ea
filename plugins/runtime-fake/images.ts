/**
 * A fake image provider: every reference names an image, unless it is told otherwise. Comes in: what any provider is asked.
 * Goes out: one empty layer folder's worth of image, with the lease rules of a real one. Made by `index.ts`, or by tests.
 */
import { createHash } from 'node:crypto';
import { CoreError, toCoreError, type CallOptions, type ErrorCode, type Image, type ImageConfig, type Images, type Rootfs } from '@core/core/plugin';

export interface FakeImagesOptions {
  /** References that cannot be brought, and the code they fail with: `{ 'oci:./broken': 'E_IMAGE' }`. */
  readonly missing?: Readonly<Partial<Record<string, ErrorCode>>> | undefined;
  /** Methods that fail with a code: `{ mount: 'E_IO' }`. */
  readonly failures?: Readonly<Partial<Record<string, ErrorCode>>> | undefined;
  /** Config of every image. Default: `/bin/sh`, and a PATH. */
  readonly config?: ImageConfig | undefined;
}

const DEFAULT_CONFIG: ImageConfig = Object.freeze({ cmd: ['/bin/sh'], env: ['PATH=/usr/bin:/bin'], workingDir: '/' });

/** What outlives a provider: hand the same store to the next one to test restarts. */
export class FakeImageStore {
  readonly images = new Map<string, Image>();
  /** Owner -> image id. */
  readonly leases = new Map<string, string>();
}

export function createFakeImages(options: FakeImagesOptions = {}, store: FakeImageStore = new FakeImageStore()): Images {
  const fake = new FakeImages(options, store);
  return {
    ensure: async ({ reference, name }, call) => fake.guard('ensure', () => fake.ensure(reference, name, call)),
    inspect: async ({ reference }) => fake.guard('inspect', () => fake.find(reference)),
    list: async () => fake.guard('list', () => [...store.images.values()]),
    mount: async ({ id, owner }) => fake.guard('mount', () => fake.mount(id, owner)),
    release: async ({ owner }) => fake.guard('release', () => void store.leases.delete(owner)),
    remove: async ({ reference }) => fake.guard('remove', () => fake.remove(reference)),
    reconcile: async ({ alive }) => fake.guard('reconcile', () => fake.reconcile(alive)),
  };
}

class FakeImages {
  readonly #options: FakeImagesOptions;
  readonly #store: FakeImageStore;

  constructor(options: FakeImagesOptions, store: FakeImageStore) {
    this.#options = options;
    this.#store = store;
  }

  guard<T>(method: string, work: () => T): T {
    const code = this.#options.failures?.[method];
    if (code) throw new CoreError(code, { message: `${method} was scripted to fail`, step: method });
    return work();
  }

  ensure(reference: string, name: string | undefined, call?: CallOptions): Image {
    if (reference === '') throw new CoreError('E_INVALID', { message: 'the reference is empty', issues: [{ path: 'reference', message: 'is empty' }] });
    const code = this.#options.missing?.[reference];
    if (code) throw new CoreError(code, { message: `${reference} was scripted to be missing`, object: { kind: 'image', id: reference } });
    if (call?.signal?.aborted) throw toCoreError(call.signal.reason);
    const stored = this.#lookup(reference);
    if (!stored) call?.onProgress?.({ id: reference, phase: 'unpack', current: 1, total: 1, unit: 'items', done: true });
    const image = named(stored ?? this.#make(reference), [name ?? reference]);
    this.#store.images.set(image.id, image);
    return image;
  }

  find(reference: string): Image {
    const image = this.#lookup(reference);
    if (!image) throw new CoreError('E_NOT_FOUND', { message: `there is no image ${reference}`, object: { kind: 'image', id: reference } });
    return image;
  }

  mount(id: string, owner: string): Rootfs {
    const image = this.find(id);
    this.#store.leases.set(owner, image.id);
    return { kind: 'overlay', lowers: image.layers.map((layer) => `/nonexistent/${layer.replace(':', '/')}`) };
  }

  remove(reference: string): void {
    const image = this.#lookup(reference);
    if (!image) return;
    const rest = image.id === reference ? [] : image.names.filter((name) => name !== reference);
    if (rest.length > 0) {
      this.#store.images.set(image.id, { ...image, names: rest });
      return;
    }
    const user = [...this.#store.leases].find(([, id]) => id === image.id);
    if (user) throw new CoreError('E_IN_USE', { message: `image ${reference} is used by ${user[0]}`, object: { kind: 'image', id: image.id } });
    this.#store.images.delete(image.id);
  }

  reconcile(alive: readonly string[]): void {
    for (const owner of this.#store.leases.keys()) if (!alive.includes(owner)) this.#store.leases.delete(owner);
  }

  #lookup(reference: string): Image | undefined {
    return this.#store.images.get(reference) ?? [...this.#store.images.values()].find(({ names }) => names.includes(reference));
  }

  #make(reference: string): Image {
    const digest = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
    return {
      id: reference === 'host' ? 'host' : digest(`config ${reference}`),
      names: [],
      created: 0,
      os: 'linux',
      architecture: 'amd64',
      config: this.#options.config ?? DEFAULT_CONFIG,
      layers: [digest(`layer ${reference}`)],
      size: reference === 'host' ? 0 : 4096,
    };
  }
}

function named(image: Image, names: readonly string[]): Image {
  return { ...image, names: [...new Set([...image.names, ...names])] };
}
