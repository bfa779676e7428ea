/** Images that are wrong in one thing: each gives a typed error that names the field, and nothing of it is kept. */
import { readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { isCoreError, type ErrorCode } from '#core/errors/index.js';
import { configSchema } from '#image-oci/config.js';
import { createImages } from '#image-oci/driver.js';
import { temporaryFolder } from '../helpers/folder.js';
import { tar } from '../unpack/helpers/tar.js';
import { fakeLayers, sha256 } from './helpers/layers.js';
import { blobPath, machine, writeDockerSave, writeLayout, type Changes } from './helpers/layout.js';

type Expected = readonly [code: ErrorCode, field: string];

/** `make` writes what is wrong into a folder and says the reference. */
const malformed = test.macro(async (t, make: (folder: string) => string, [code, field]: Expected) => {
  const folder = temporaryFolder(t);
  const store = join(folder, 'store');
  const images = createImages({ store, root: folder, own: [], layers: fakeLayers().port, config: configSchema.parse({ maxLayerBytes: 1 << 22 }) });
  const error = await t.throwsAsync(images.ensure({ reference: make(folder) }));
  if (!isCoreError(error)) return t.fail(String(error));
  t.is(error.code, code, error.message);
  t.true(error.issues.some(({ path }) => path.replace(/[0-9a-f]{64}$/, 'LINK') === field), `issues: ${JSON.stringify(error.issues)}`);
  t.deepEqual(await images.list({}), []);
  for (const place of ['layers/sha256', 'records', 'names', 'leases', 'tmp']) t.deepEqual(list(join(store, place)), [], `something is left in ${place}`);
});

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

const layout = (changes: Changes) => (folder: string): string => `oci:${writeLayout(join(folder, 'layout'), changes)}:latest`;
const IMAGE = 'E_IMAGE';

// the layout
test('no oci-layout', malformed, layout({ layout: () => undefined }), [IMAGE, 'oci-layout']);
test('an oci-layout of another version', malformed, layout({ layout: () => ({ imageLayoutVersion: '2.0.0' }) }), [IMAGE, 'oci-layout.imageLayoutVersion']);
test('no index', malformed, layout({ index: () => undefined }), [IMAGE, 'index']);
test('an index that is no JSON', malformed, layout({ index: () => '{"manifests":' }), [IMAGE, 'index']);
test('an index that is no object', malformed, layout({ index: () => [] }), [IMAGE, 'index']);
test('an index of another schema', malformed, layout({ index: (document) => ({ ...document, schemaVersion: 1 }) }), [IMAGE, 'index.schemaVersion']);
test('an index without manifests', malformed, layout({ index: (document) => ({ ...document, manifests: undefined }) }), [IMAGE, 'index.manifests']);
test('an index that is a manifest too', malformed, layout({ index: (document) => ({ ...document, layers: [] }) }), [IMAGE, 'index.layers']);
test('an index that is too large', malformed, layout({ index: (document) => ({ ...document, annotations: { a: 'x'.repeat(5 << 20) } }) }), [IMAGE, 'index']);
test('a digest of another algorithm', malformed, layout({ index: ({ manifests: [first] }) => ({ schemaVersion: 2, manifests: [{ ...first, digest: `md5:${'0'.repeat(32)}` }] }) }), [IMAGE, 'index.manifests[0].digest']);
test('a digest that climbs', malformed, layout({ index: ({ manifests: [first] }) => ({ schemaVersion: 2, manifests: [{ ...first, digest: 'sha256:../../../etc/passwd' }] }) }), [IMAGE, 'index.manifests[0].digest']);
test('a size that is negative', malformed, layout({ index: ({ manifests: [first] }) => ({ schemaVersion: 2, manifests: [{ ...first, size: -1 }] }) }), [IMAGE, 'index.manifests[0].size']);
test('a manifest of a kind that is no image', malformed, layout({ index: ({ manifests: [first] }) => ({ schemaVersion: 2, manifests: [{ ...first, mediaType: 'text/plain', annotations: { 'org.opencontainers.image.ref.name': 'latest' } }] }) }), [IMAGE, 'index.manifests.mediaType']);
test('indexes within indexes without end', malformed, layout({ files: nest }), [IMAGE, 'index.manifests']);

// the manifest
test('a manifest that is missing', malformed, layout({ files: (folder, { manifest }) => rmSync(blobPath(folder, manifest)) }), [IMAGE, 'index.manifests']);
test('a manifest that was changed', malformed, layout({ files: (folder, { manifest }) => flip(blobPath(folder, manifest)) }), [IMAGE, 'index.manifests.digest']);
test('a manifest that was cut', malformed, layout({ files: (folder, { manifest }) => truncateSync(blobPath(folder, manifest), 10) }), [IMAGE, 'index.manifests.size']);
test('a manifest that is a link out of the layout', malformed, layout({ files: (folder, { manifest }) => {
  rmSync(blobPath(folder, manifest));
  symlinkSync('/etc/passwd', blobPath(folder, manifest));
} }), [IMAGE, 'blobs/sha256/LINK']);
test('a manifest that is an index too', malformed, layout({ manifest: (document) => ({ ...document, manifests: [] }) }), [IMAGE, 'manifest.manifests']);
test('a manifest that calls itself something else', malformed, layout({ manifest: (document) => ({ ...document, mediaType: 'application/vnd.oci.image.index.v1+json' }) }), [IMAGE, 'manifest.mediaType']);
test('a manifest without a config', malformed, layout({ manifest: (document) => ({ ...document, config: undefined }) }), [IMAGE, 'manifest.config']);
test('a manifest of an artifact', malformed, layout({ manifest: (document) => ({ ...document, config: { ...document.config, mediaType: 'application/vnd.oci.empty.v1+json' } }) }), [IMAGE, 'manifest.config.mediaType']);
test('a layer of an unknown kind', malformed, layout({ manifest: (document) => ({ ...document, layers: [{ ...document.layers[0], mediaType: 'application/zip' }] }) }), [IMAGE, 'manifest.layers[0].mediaType']);
test('layers that are no list', malformed, layout({ manifest: (document) => ({ ...document, layers: {} }) }), [IMAGE, 'manifest.layers']);
test('a layer that is missing', malformed, layout({ files: (folder, { layer }) => rmSync(blobPath(folder, layer)) }), [IMAGE, 'manifest.layers[0].digest']);
test('a layer of another size', malformed, layout({ manifest: (document) => ({ ...document, layers: [{ ...document.layers[0], size: 7 }] }) }), [IMAGE, 'manifest.layers[0].size']);
test('a layer that was changed', malformed, layout({ files: (folder, { layer }) => flip(blobPath(folder, layer), 30) }), [IMAGE, 'layers[0]']);

// the config
test('a config that was changed', malformed, layout({ files: (folder, { config }) => flip(blobPath(folder, config)) }), [IMAGE, 'manifest.config.digest']);
test('a config that is no JSON', malformed, layout({ config: () => 'nonsense' }), [IMAGE, 'config']);
test('a config without diffIDs', malformed, layout({ config: (document) => ({ ...document, rootfs: { type: 'layers' } }) }), [IMAGE, 'config.rootfs.diff_ids']);
test('fewer diffIDs than layers', malformed, layout({ config: (document) => ({ ...document, rootfs: { type: 'layers', diff_ids: [] } }) }), [IMAGE, 'config.rootfs.diff_ids']);
test('a diffID that is none', malformed, layout({ config: (document) => ({ ...document, rootfs: { type: 'layers', diff_ids: ['../../etc'] } }) }), [IMAGE, 'config.rootfs.diff_ids[0]']);
test('a diffID that does not match', malformed, layout({ config: (document) => ({ ...document, rootfs: { type: 'layers', diff_ids: [`sha256:${'0'.repeat(64)}`] } }) }), [IMAGE, 'layers[0]']);
test('a rootfs of another type', malformed, layout({ config: (document) => ({ ...document, rootfs: { ...document.rootfs, type: 'disk' } }) }), [IMAGE, 'config.rootfs.type']);
test('an environment that is no list', malformed, layout({ config: (document) => ({ ...document, config: { Env: 'A=b' } }) }), [IMAGE, 'config.config.Env']);
test('an environment without a name', malformed, layout({ config: (document) => ({ ...document, config: { Env: ['A=b', '=c'] } }) }), [IMAGE, 'config.config.Env[1]']);
test('an environment with a NUL', malformed, layout({ config: (document) => ({ ...document, config: { Env: ['A=b\0c'] } }) }), [IMAGE, 'config.config.Env[0]']);
test('a command that is a text', malformed, layout({ config: (document) => ({ ...document, config: { Cmd: 'true' } }) }), [IMAGE, 'config.config.Cmd']);
test('a user with a line break', malformed, layout({ config: (document) => ({ ...document, config: { User: 'root\nroot' } }) }), [IMAGE, 'config.config.User']);
test('a volume that climbs', malformed, layout({ config: (document) => ({ ...document, config: { Volumes: { '/data/../../etc': {} } } }) }), [IMAGE, 'config.config.Volumes./data/../../etc']);
test('a stop signal that is none', malformed, layout({ config: (document) => ({ ...document, config: { StopSignal: 'rm -rf' } }) }), [IMAGE, 'config.config.StopSignal']);
test('a port that is none', malformed, layout({ config: (document) => ({ ...document, config: { ExposedPorts: { 'http/tcp': {} } } }) }), [IMAGE, 'config.config.ExposedPorts.http/tcp']);
test('a label that is no text', malformed, layout({ config: (document) => ({ ...document, config: { Labels: { a: 1 } } }) }), [IMAGE, 'config.config.Labels.a']);

// archives
const saved = (options: Parameters<typeof writeDockerSave>[1]) => (folder: string): string => `docker-archive:${writeDockerSave(join(folder, 'image.tar'), options)}`;
const file = (kind: string, bytes: Uint8Array) => (folder: string): string => {
  writeFileSync(join(folder, 'image.tar'), bytes);
  return `${kind}:${join(folder, 'image.tar')}`;
};
test('an archive that is none', malformed, file('oci-archive', Buffer.alloc(2048, 'x')), [IMAGE, 'archive']);
test('an archive that is empty', malformed, file('docker-archive', Buffer.alloc(0)), [IMAGE, 'archive']);
test('an archive of zeros', malformed, file('docker-archive', Buffer.alloc(4096)), [IMAGE, 'archive']);
test('an archive that is cut off', malformed, file('oci-archive', tar({ name: 'index.json', data: 'x'.repeat(5000) }).subarray(0, 2048)), [IMAGE, 'archive member "index.json"']);
test('an archive whose second header is damaged', malformed, file('oci-archive', Buffer.concat([tar({ name: 'a' }).subarray(0, 512), Buffer.alloc(512, 'y')])), [IMAGE, 'archive']);
test('an archive without manifest.json', malformed, file('docker-archive', tar({ name: 'repositories', data: '{}' })), [IMAGE, 'manifest.json']);
test('a gzip archive that is damaged', malformed, file('docker-archive', Buffer.concat([gzipSync(tar({ name: 'a', data: Buffer.alloc(9000, 'a') })).subarray(0, 60), Buffer.alloc(600, 'x')])), [IMAGE, 'archive']);
test('a gzip archive that is a bomb', malformed, file('docker-archive', gzipSync(Buffer.alloc(8 << 20))), [IMAGE, 'archive']);
test('a manifest.json that names nothing', malformed, saved({ manifest: () => [] }), [IMAGE, 'manifest.json']);
test('a manifest.json whose layer climbs', malformed, saved({ manifest: ([first]) => [{ ...first, Layers: ['../../etc/passwd'] }] }), [IMAGE, 'manifest.json[0].Layers[0]']);
test('a manifest.json whose layer is missing', malformed, saved({ manifest: ([first]) => [{ ...first, Layers: ['ccc/layer.tar'] }] }), [IMAGE, 'manifest.json.Layers[0]']);
test('a manifest.json whose config is missing', malformed, saved({ manifest: ([first]) => [{ ...first, Config: 'nope.json' }] }), [IMAGE, 'manifest.json.Config']);
test('a manifest.json whose config is not what its name says', malformed, saved({
  manifest: ([first]) => [{ ...first, Config: `${'0'.repeat(64)}.json` }], extra: [{ name: `${'0'.repeat(64)}.json`, data: '{}' }],
}), [IMAGE, 'manifest.json.Config']);
test('links that go round', malformed, saved({ manifest: ([first]) => [{ ...first, Layers: ['x'] }], extra: [{ name: 'x', type: '2', link: 'y' }, { name: 'y', type: '2', link: 'x' }] }), [IMAGE, 'x']);

// references
for (const reference of ['', 'oci:', 'dir:', 'oci::latest', 'name with blanks', '../climbing', 'UPPER/..', `a${'b'.repeat(300)}`, 'oci:/x:bad tag', 'a\0b']) {
  test(`the reference ${JSON.stringify(reference).slice(0, 40)}`, malformed, () => reference, ['E_INVALID', 'image']);
}
test('a folder where a file is meant', malformed, (folder) => `oci-archive:${folder}`, ['E_INVALID', 'image']);
test('a file where a folder is meant', malformed, (folder) => {
  writeFileSync(join(folder, 'file'), 'x');
  return `oci:${join(folder, 'file')}`;
}, ['E_INVALID', 'image']);
test('several images and no tag', malformed, (folder) => {
  const path = writeLayout(join(folder, 'layout'), { index: ({ manifests: [first] }) => ({ schemaVersion: 2, manifests: ['a', 'b'].map((name) => ({ ...first, annotations: { 'org.opencontainers.image.ref.name': name } })) }) });
  return `oci:${path}`;
}, ['E_INVALID', 'image']);

function flip(path: string, at = 5): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

/** Six indexes, each holding the next. */
function nest(folder: string, { manifest }: { readonly manifest: string }): void {
  let inner: { digest: string; size: number; mediaType: string } = { digest: manifest, size: readFileSync(blobPath(folder, manifest)).length, mediaType: 'application/vnd.oci.image.manifest.v1+json' };
  for (let depth = 0; depth < 6; depth++) {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [{ ...inner, platform: { os: 'linux', architecture: machine } }] }));
    inner = { digest: sha256(bytes), size: bytes.length, mediaType: 'application/vnd.oci.image.index.v1+json' };
    writeFileSync(blobPath(folder, inner.digest), bytes);
  }
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ ...inner, annotations: { 'org.opencontainers.image.ref.name': 'latest' } }] }));
}
