/**
 * The `image` contract over files. Comes in: the store's folder and whoever unpacks layers. Goes out: `Images`. Called by `index.ts`; usable without a kernel.
 */
import { statSync, type Stats } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CoreError, type CallOptions, type Image, type Images, type Layers, type Rootfs } from '@core/core/plugin';
import type { ImageOciConfig } from './config.js';
import { parsePlatform } from './format/platform.js';
import { hostImage, hostRootfs } from './host.js';
import { normalName, parseReference, type Reference } from './reference.js';
import { find } from './source/find.js';
import { sha256, type FoundImage } from './source/found.js';
import { openError } from './source/files.js';
import { LayerStore } from './store/layers.js';
import { Leases } from './store/leases.js';
import { mapBounded } from './store/map-bounded.js';
import { Records, type ImageRecord } from './store/records.js';
import { Unchanged } from './store/unchanged.js';

export interface ImagesOptions {
  /** The store's folder, shared by the kernels of the machine. */
  readonly store: string;
  /** The kernel's own root: names its leases. */
  readonly root: string;
  /** Hidden from containers of the image `host`, besides the list: the kernel's own folders. */
  readonly own: readonly string[];
  readonly layers: Layers;
  readonly config: ImageOciConfig;
}

/** Layers unpacked at a time: one decodes while another waits for the disk. */
const AT_A_TIME = 3;

export type ImageDriver = Images & {
  /** Brings what other kernels see of this one up to date. */
  close(): Promise<void>;
};

export function createImages(options: ImagesOptions): ImageDriver {
  const { store, root, layers: port, config } = options;
  const records = new Records(store);
  const leases = new Leases(store, root);
  const layers = new LayerStore({ root: store, port, limits: { maxBytes: config.maxLayerBytes, maxEntries: config.maxLayerEntries } });
  const parts: Parts = { options, records, leases, layers, foundIds: new Unchanged() };
  return Object.freeze<ImageDriver>({
    ensure: (request, call = {}) => ensure(parts, request, call),
    inspect: ({ reference }, call = {}) => inspect(parts, { reference, call }),
    list: () => list(parts),
    mount: (request) => mount(parts, request),
    release: async ({ owner }) => leases.release(owner),
    remove: ({ reference }) => remove(parts, reference),
    reconcile: ({ alive }) => reconcile(parts, alive),
    close: () => leases.settle(),
  });
}

interface Parts {
  readonly options: ImagesOptions;
  readonly records: Records;
  readonly leases: Leases;
  readonly layers: LayerStore;
  /** Of layouts and archives on the machine: which image a tag led to, while the file that says so is unchanged. */
  readonly foundIds: Unchanged<Map<string, string>>;
}

type EnsureRequest = Parameters<Images['ensure']>[0];

async function ensure(parts: Parts, request: EnsureRequest, call: CallOptions): Promise<Image> {
  const reference = parseReference(request.reference);
  const platform = parsePlatform(request.platform);
  const name = request.name === undefined ? undefined : normalName(request.name);
  if (reference.kind === 'host') return hostImage();
  if (reference.kind === 'name' || reference.kind === 'id') {
    const stored = await requireStored(parts, { reference, text: request.reference });
    if (name !== undefined) await parts.records.putName(name, stored.id);
    return withNames(parts, stored);
  }
  if (reference.kind === 'dir') return ensureFolder(parts, { path: reference.path, name });
  return find(reference, { platform, scratch: parts.layers.scratch(), maxBytes: parts.options.config.maxLayerBytes, signal: call.signal }, async (found) => {
    const names = name === undefined ? sourceNames(reference, found) : [name];
    return store(parts, { found, names, call });
  });
}

/** Leased while it is being brought, so that no other kernel takes a layer away in between. */
async function store(parts: Parts, { found, names, call }: { readonly found: FoundImage; readonly names: readonly string[]; readonly call: CallOptions }): Promise<Image> {
  const { records, leases, layers } = parts;
  const { id, created, os, architecture, config } = found;
  const diffIds = found.layers.map(({ diffId }) => diffId);
  return leases.during({ image: id, layers: diffIds }, async () => {
    const stored = await mapBounded(found.layers, AT_A_TIME, async (layer, i) => layers.ensure(layer, call).catch((thrown: unknown) => {
      throw layerError(thrown, { index: i, id });
    }));
    const size = stored.reduce((sum, layer) => sum + layer.size, 0);
    const record = { id, created, os, architecture, config, layers: diffIds, size };
    await records.put(record);
    for (const name of names) await records.putName(name, id);
    return withNames(parts, record);
  });
}

/** A plain tree is used where it is; only the fact that it was named is stored. */
async function ensureFolder(parts: Parts, { path, name }: { readonly path: string; readonly name: string | undefined }): Promise<Image> {
  requireFolder(path);
  const { os, architecture } = parsePlatform(undefined);
  const id = folderId(path);
  const record = (await parts.records.get(id)) ?? { id, created: Date.now(), os, architecture, config: {}, layers: [], size: 0, folder: path };
  await parts.records.put(record);
  if (name !== undefined) await parts.records.putName(name, id);
  return withNames(parts, record);
}

async function inspect(parts: Parts, { reference: text, call }: { readonly reference: string; readonly call: CallOptions }): Promise<Image> {
  const reference = parseReference(text);
  if (reference.kind === 'host') return hostImage();
  return withNames(parts, await requireStored(parts, { reference, text, signal: call.signal }));
}

async function list(parts: Parts): Promise<Image[]> {
  const names = await parts.records.names();
  const records = await parts.records.list();
  return records.map((record) => toImage(record, names)).sort((a, b) => b.created - a.created || (a.id < b.id ? -1 : 1));
}

async function mount({ options, records, leases, layers }: Parts, { id, owner }: { readonly id: string; readonly owner: string }): Promise<Rootfs> {
  if (id === 'host') {
    // It keeps nothing from removal; but an owner known to no lease at a restart makes every lease stay.
    await leases.take(owner, { image: 'host', layers: [] });
    return hostRootfs(options);
  }
  const record = await records.get(id);
  if (!record) throw notFound(id);
  if (record.folder !== undefined) {
    requireFolder(record.folder);
    await leases.take(owner, { image: id, layers: [] });
    return { kind: 'overlay', lowers: [record.folder] };
  }
  await leases.take(owner, { image: id, layers: [...record.layers] });
  const lowers: string[] = [];
  for (const diffId of record.layers) {
    const layer = await layers.get(diffId);
    if (!layer) {
      leases.release(owner);
      await leases.settle();
      throw new CoreError('E_NOT_FOUND', { message: `layer ${diffId} of image ${id} is gone`, hint: 'Bring the image again.', object: { kind: 'image', id } });
    }
    if (layer.opaque) lowers.length = 0;
    lowers.unshift(layer.tree);
  }
  return { kind: 'overlay', lowers: lowers.length > 0 ? lowers : [await emptyFolder(options.store)] };
}

async function remove(parts: Parts, text: string): Promise<void> {
  const { records, leases, layers } = parts;
  const reference = parseReference(text);
  if (reference.kind === 'host') throw new CoreError('E_UNSUPPORTED', { message: 'the image host is the machine itself and cannot be removed' });
  const record = await findStored(parts, reference);
  if (!record) return;
  const names = [...(await records.names())].filter(([, id]) => id === record.id).map(([name]) => name);
  const lasting = reference.kind === 'name' ? names.filter((name) => name !== reference.name) : [];
  if (lasting.length === 0) {
    await requireUnused(leases, record.id);
    await records.remove(record.id);
    // Whoever took a lease meanwhile found the record, or will not.
    await requireUnused(leases, record.id).catch(async (thrown: unknown) => {
      await records.put(record);
      throw thrown;
    });
  }
  for (const name of names) if (!lasting.includes(name)) await records.removeName(name);
  if (lasting.length === 0) await layers.collect(record.layers, { needed: () => neededLayers(records), leases });
}

async function reconcile({ records, leases, layers }: Parts, alive: readonly string[]): Promise<void> {
  await leases.reconcile(new Set(alive));
  await layers.sweep();
  await layers.collect(await layers.list(), { needed: () => neededLayers(records), leases });
}

async function neededLayers(records: Records): Promise<Set<string>> {
  return new Set((await records.list()).flatMap((record) => record.layers));
}

async function requireUnused(leases: Leases, id: string): Promise<void> {
  const using = (await leases.all()).filter(({ image }) => image === id);
  const users = using.flatMap(({ root, owners }) => (root === undefined ? ['an unpack under way'] : owners?.length ? owners : [`the kernel of ${root}`]));
  if (users.length > 0) throw new CoreError('E_IN_USE', { message: `image ${id} is used by ${users.join(', ')}`, object: { kind: 'image', id } });
}

async function requireStored(parts: Parts, { reference, text, signal }: { readonly reference: Reference; readonly text: string; readonly signal?: AbortSignal | undefined }): Promise<ImageRecord> {
  const record = await findStored(parts, reference, signal);
  if (!record) throw notFound(text);
  return record;
}

/** The record a reference leads to. What stands elsewhere on the machine is read for its id. */
async function findStored({ records, layers, options, foundIds }: Parts, reference: Reference, signal?: AbortSignal): Promise<ImageRecord | undefined> {
  switch (reference.kind) {
    case 'host': return undefined;
    case 'dir': return records.get(folderId(reference.path));
    case 'id': return byId(records, await records.byPrefix(reference.digits));
    case 'name': return byId(records, (await records.byName(reference.name)) ?? (await byBareDigits(records, reference.name)));
    default: {
      const { kind, path, tag } = reference;
      const ids = await foundIds.read(kind === 'oci' ? join(path, 'index.json') : path, async () => new Map());
      const asked = `${kind}:${tag ?? ''}`;
      const id = ids.get(asked) ?? (await find(reference, { platform: parsePlatform(undefined), scratch: layers.scratch(), maxBytes: options.config.maxLayerBytes, signal }, async (found) => found.id));
      ids.set(asked, id);
      return records.get(id);
    }
  }
}

async function byId(records: Records, id: string | undefined): Promise<ImageRecord | undefined> {
  return id === undefined ? undefined : records.get(id);
}

/** `3f57d9401f8d` is the beginning of an id, unless an image is called so. */
async function byBareDigits(records: Records, name: string): Promise<string | undefined> {
  const [, digits] = /^([0-9a-f]{3,64}):latest$/.exec(name) ?? [];
  return digits === undefined ? undefined : records.byPrefix(digits);
}

async function withNames({ records }: Parts, record: ImageRecord): Promise<Image> {
  return toImage(record, await records.names());
}

function toImage({ id, created, os, architecture, config, layers, size }: ImageRecord, names: ReadonlyMap<string, string>): Image {
  return { id, names: [...names].filter(([, of]) => of === id).map(([name]) => name), created, os, architecture, config, layers, size };
}

/** Tags of a layout go with the folder's name: `./busybox` tagged `latest` is `busybox:latest`. What makes no name is passed over. */
function sourceNames(reference: Extract<Reference, { path: string }>, found: FoundImage): string[] {
  const folder = basename(reference.path).replace(/\.(tar|tar\.gz|tgz)$/, '');
  return found.names.flatMap((name) => {
    try {
      return [normalName(reference.kind !== 'docker-archive' && /^[^/:]+$/.test(name) ? `${folder}:${name}` : name)];
    } catch {
      return [];
    }
  });
}

function folderId(path: string): string {
  return sha256(Buffer.from(`dir\0${path}`));
}

function requireFolder(path: string): void {
  // Not worth a turn of the thread pool: a start waits for it.
  if (!lookAt(path).isDirectory()) throw new CoreError('E_INVALID', { message: `${path} is no folder`, issues: [{ path: 'image', message: 'is no folder' }] });
}

function lookAt(path: string): Stats {
  try {
    return statSync(path);
  } catch (thrown) {
    throw openError(path, thrown);
  }
}

/** An overlay wants a lower layer, and an image may have none. */
async function emptyFolder(store: string): Promise<string> {
  const path = join(store, 'empty');
  await mkdir(path, { recursive: true, mode: 0o755 });
  return path;
}

function layerError(thrown: unknown, { index, id }: { readonly index: number; readonly id: string }): unknown {
  if (!(thrown instanceof CoreError) || thrown.code !== 'E_IMAGE') return thrown;
  const { message, step, errno } = thrown;
  return new CoreError('E_IMAGE', { message: `layers[${index}]: ${message}`, object: { kind: 'image', id }, issues: [{ path: `layers[${index}]`, message }], step, errno, cause: thrown });
}

function notFound(reference: string): CoreError {
  return new CoreError('E_NOT_FOUND', {
    message: `no image is stored as ${reference}`,
    hint: 'Name it as host, oci:FOLDER[:TAG], oci-archive:FILE, docker-archive:FILE or dir:FOLDER, or one of those stored.',
    object: { kind: 'image', id: reference },
  });
}
