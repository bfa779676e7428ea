/**
 * An image in a `docker save` archive. Comes in: the archive's files, a tag, a platform. Goes out: the image found there. Called for `docker-archive:`. Both forms are read:
 * folders per layer (`ID/layer.tar`), and blobs by digest. Throws `E_IMAGE`, `E_NOT_FOUND` for a tag, `E_UNSUPPORTED` for a platform.
 */
import { CoreError } from '@core/core/plugin';
import { fieldError, MAX_DOCUMENT, parseDocument } from '../format/document.js';
import { dockerSave } from '../format/schemas.js';
import { normalName } from '../reference.js';
import { readSmall, type ImageFiles } from './files.js';
import { foundImage, MAX_CONFIG, readConfig, sha256, type FoundImage, type FoundLayer, type Wanted } from './found.js';

type Saved = ReturnType<typeof parseSaved>[number];

export async function findInDockerSave(files: ImageFiles, { tag, platform }: Wanted): Promise<FoundImage> {
  const saved = byTag(parseSaved(await readSmall(files, { name: 'manifest.json', what: 'manifest.json', max: MAX_DOCUMENT })), { tag, path: files.path });
  const bytes = await readSmall(files, { name: saved.Config, what: 'manifest.json.Config', max: MAX_CONFIG });
  const id = sha256(bytes);
  checkName(saved.Config, id);
  const config = readConfig(bytes, { platform, layers: saved.Layers.length });
  const layers = await Promise.all(saved.Layers.map((name, i) => locateLayer(files, { name, diffId: config.rootfs.diff_ids[i] as string, what: `manifest.json.Layers[${i}]` })));
  return foundImage(config, { id, names: saved.RepoTags ?? [], layers });
}

function parseSaved(bytes: Uint8Array) {
  return parseDocument(bytes, { schema: dockerSave, what: 'manifest.json' });
}

function byTag(saved: readonly Saved[], { tag, path }: { readonly tag: string | undefined; readonly path: string }): Saved {
  const wanted = tag === undefined ? undefined : normalName(tag);
  const named = wanted === undefined ? saved : saved.filter(({ RepoTags }) => RepoTags?.some((name) => sameName(name, wanted)));
  const [first] = named;
  if (first && (named.length === 1 || wanted !== undefined)) return first;
  const tags = saved.flatMap(({ RepoTags }) => RepoTags ?? []);
  if (!first) throw new CoreError('E_NOT_FOUND', { message: `${path} has no image tagged ${wanted}`, hint: tags.length > 0 ? `It has: ${tags.join(', ')}.` : '', object: { kind: 'image', id: path } });
  throw new CoreError('E_INVALID', { message: `${path} holds several images`, hint: `Say which one: ${tags.join(', ')}.`, issues: [{ path: 'image', message: 'needs a tag' }] });
}

function sameName(written: string, wanted: string): boolean {
  try {
    return normalName(written) === wanted;
  } catch {
    return false;
  }
}

/** The config is named by its digest, in both forms. */
function checkName(name: string, id: string): void {
  const [, digits] = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(name) ?? [];
  if (digits !== undefined && id !== `sha256:${digits}`) throw fieldError('manifest.json.Config', 'does not match the digest in its name');
}

/** A layer that stands under its digest is checked against it too. */
async function locateLayer(files: ImageFiles, { name, diffId, what }: { readonly name: string; readonly diffId: string; readonly what: string }): Promise<FoundLayer> {
  const range = await files.locate(name);
  if (!range) throw fieldError(what, `${name} is missing in ${files.path}`);
  const [, digits] = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name) ?? [];
  return { diffId, range, ...(digits && { digest: `sha256:${digits}` }) };
}
