/**
 * An image in an OCI layout (image-spec, image-layout.md). Comes in: the layout's files, a tag, a platform. Goes out: the image found there, every document checked against
 * its digest. Called for `oci:` and `oci-archive:`. Throws `E_IMAGE`, `E_NOT_FOUND` for a tag, `E_UNSUPPORTED` for a platform.
 */
import { CoreError } from '@core/core/plugin';
import { fieldError, MAX_DOCUMENT, parseDocument } from '../format/document.js';
import { choosePlatform, showPlatform, type Platform } from '../format/platform.js';
import { index as indexSchema, layout as layoutSchema, manifest as manifestSchema, mediaTypes, type Descriptor, type Manifest } from '../format/schemas.js';
import { readSmall, type ImageFiles } from './files.js';
import { foundImage, MAX_CONFIG, readConfig, sha256, type FoundImage, type FoundLayer, type Wanted } from './found.js';

const REF_NAME = 'org.opencontainers.image.ref.name';
const MAX_NESTING = 4;

export async function findInLayout(files: ImageFiles, { tag, platform }: Wanted): Promise<FoundImage> {
  parseDocument(await readSmall(files, { name: 'oci-layout', what: 'oci-layout', max: MAX_DOCUMENT }), { schema: layoutSchema, what: 'oci-layout' });
  const index = parseDocument(await readSmall(files, { name: 'index.json', what: 'index', max: MAX_DOCUMENT }), { schema: indexSchema, what: 'index' });
  const chosen = byTag(index.manifests, { tag, platform, path: files.path });
  const manifest = await readManifest(files, { descriptor: chosen, platform, what: 'index.manifests', depth: 0 });
  checkManifest(manifest);
  const bytes = await readBlob(files, { descriptor: manifest.config, what: 'manifest.config', max: MAX_CONFIG });
  const config = readConfig(bytes, { platform, layers: manifest.layers.length });
  const layers = await Promise.all(manifest.layers.map((layer, i) => locateLayer(files, { layer, diffId: config.rootfs.diff_ids[i] as string, what: `manifest.layers[${i}]` })));
  const name = chosen.annotations?.[REF_NAME];
  return foundImage(config, { id: manifest.config.digest, names: name === undefined ? [] : [name], layers });
}

/** The entry with the tag; without one the only entry, or the only one for the platform. */
function byTag(manifests: readonly Descriptor[], { tag, platform, path }: Wanted & { readonly path: string }): Descriptor {
  const named = tag === undefined ? manifests : manifests.filter(({ annotations }) => annotations?.[REF_NAME] === tag);
  const [first] = named;
  if (first && named.length === 1) return first;
  const fitting = choosePlatform(named, platform);
  if (fitting && (tag !== undefined || new Set(named.map(({ annotations }) => annotations?.[REF_NAME])).size === 1)) return fitting;
  const tags = [...new Set(manifests.map(({ annotations }) => annotations?.[REF_NAME]).filter((name) => name !== undefined))];
  if (named.length === 0) {
    throw new CoreError('E_NOT_FOUND', { message: `${path} has no image ${tag === undefined ? 'at all' : `tagged ${tag}`}`, hint: tags.length > 0 ? `It has: ${tags.join(', ')}.` : '', object: { kind: 'image', id: path } });
  }
  throw new CoreError('E_INVALID', { message: `${path} holds several images`, hint: `Say which one: ${tags.join(', ')}.`, issues: [{ path: 'image', message: 'needs a tag' }] });
}

interface Step {
  readonly descriptor: Descriptor;
  readonly platform: Platform;
  readonly what: string;
  readonly depth: number;
}

/** Down through indexes to the manifest for the platform. */
async function readManifest(files: ImageFiles, { descriptor, platform, what, depth }: Step): Promise<Manifest> {
  if (depth > MAX_NESTING) throw fieldError(what, `nests more than ${MAX_NESTING} indexes`);
  const kind = descriptor.mediaType;
  const bytes = await readBlob(files, { descriptor, what, max: MAX_DOCUMENT });
  if (isOneOf(mediaTypes.manifest, kind)) {
    const manifest = parseDocument(bytes, { schema: manifestSchema, what: 'manifest' });
    requireType('manifest.mediaType', manifest.mediaType, kind);
    return manifest;
  }
  if (!isOneOf(mediaTypes.index, kind)) throw fieldError(`${what}.mediaType`, `${kind} is no image`);
  const index = parseDocument(bytes, { schema: indexSchema, what: 'index' });
  requireType('index.mediaType', index.mediaType, kind);
  const chosen = choosePlatform(index.manifests, platform);
  if (chosen) return readManifest(files, { descriptor: chosen, platform, what: 'index.manifests', depth: depth + 1 });
  const has = index.manifests.flatMap((entry) => (entry.platform ? [showPlatform(entry.platform)] : []));
  throw new CoreError('E_UNSUPPORTED', { message: `the image is not there for ${showPlatform(platform)}`, hint: has.length > 0 ? `It is there for: ${has.join(', ')}.` : '' });
}

/** What a document says of itself must be what was said of it. */
function requireType(field: string, own: string | undefined, said: string): void {
  if (own !== undefined && own !== said) throw fieldError(field, `is ${own}, but its descriptor says ${said}`);
}

function checkManifest({ config, layers }: Manifest): void {
  if (!isOneOf(mediaTypes.config, config.mediaType)) throw fieldError('manifest.config.mediaType', `${config.mediaType} is no image config`);
  for (const [i, { mediaType }] of layers.entries()) {
    if (!isOneOf(mediaTypes.layer, mediaType)) throw fieldError(`manifest.layers[${i}].mediaType`, `${mediaType} is no layer`);
  }
}

async function readBlob(files: ImageFiles, { descriptor, what, max }: { readonly descriptor: Descriptor; readonly what: string; readonly max: number }): Promise<Uint8Array> {
  const bytes = await readSmall(files, { name: blobName(descriptor.digest), what, max });
  if (bytes.length !== descriptor.size) throw fieldError(`${what}.size`, `is ${descriptor.size}, but the blob has ${bytes.length} bytes`);
  if (sha256(bytes) !== descriptor.digest) throw fieldError(`${what}.digest`, 'does not match the blob');
  return bytes;
}

/** The blob's own digest is checked while it is unpacked, in the same pass. */
async function locateLayer(files: ImageFiles, { layer, diffId, what }: { readonly layer: Descriptor; readonly diffId: string; readonly what: string }): Promise<FoundLayer> {
  const range = await files.locate(blobName(layer.digest));
  if (!range) throw fieldError(`${what}.digest`, `${layer.digest} is missing in ${files.path}`);
  if (range.length !== layer.size) throw fieldError(`${what}.size`, `is ${layer.size}, but the blob has ${range.length} bytes`);
  return { diffId, digest: layer.digest, range };
}

function blobName(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function isOneOf(list: readonly string[], value: string): boolean {
  return list.includes(value);
}
