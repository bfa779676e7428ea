/** What the driver does with sound images: which it takes, how it keeps them, who may remove what. Layers are the scripted fake's. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import type { Images, Rootfs } from '#core/contracts/index.js';
import { CoreError } from '#core/errors/index.js';
import { configSchema } from '#image-oci/config.js';
import { createImages } from '#image-oci/driver.js';
import { temporaryFolder } from '../helpers/folder.js';
import { tar } from '../unpack/helpers/tar.js';
import { fakeLayers, sha256, type FakeLayers } from './helpers/layers.js';
import { blobPath, machine, writeDockerSave, writeLayout, type Json } from './helpers/layout.js';

interface Setup {
  readonly folder: string;
  readonly store: string;
  readonly images: Images;
  readonly layers: FakeLayers;
  /** Another kernel over the same store. */
  readonly other: (root: string) => Images;
}

function setup(t: ExecutionContext): Setup {
  const folder = temporaryFolder(t);
  const store = join(folder, 'images');
  const layers = fakeLayers();
  const make = (root: string): Images => createImages({ store, root, own: [root], layers: layers.port, config: configSchema.parse({}) });
  const other = (name: string): Images => {
    mkdirSync(join(folder, name), { recursive: true });
    return make(join(folder, name));
  };
  return { folder, store, layers, images: other('root'), other };
}

const lowers = (rootfs: Rootfs): readonly string[] => (rootfs.kind === 'overlay' ? rootfs.lowers : []);
const code = async (t: ExecutionContext, work: Promise<unknown>): Promise<string | undefined> => ((await t.throwsAsync(work)) as unknown as CoreError).code;

test('a layout: config, names and layers', async (t) => {
  const { folder, images } = setup(t);
  const image = await images.ensure({ reference: `oci:${writeLayout(join(folder, 'busy'))}` });
  t.is(image.created, Date.parse('2024-05-06T07:08:09Z'));
  t.deepEqual(image.names, ['busy:latest']);
  t.deepEqual(image.config, {
    user: '1000:1000', env: ['PATH=/bin', 'A=b=c'], entrypoint: ['/bin/sh'], cmd: ['-c', 'true'], workingDir: '/var', stopSignal: 'SIGQUIT', exposedPorts: ['80/tcp'], volumes: ['/data'], labels: { a: 'b' },
  });
  const [lower] = lowers(await images.mount({ id: image.id, owner: 'web' }));
  t.true(readFileSync(join(lower as string, 'content')).includes('hello'));
});

test('the same layers are unpacked once, whoever asks at the same time', async (t) => {
  const { folder, images, layers } = setup(t);
  layers.script = { blockMs: 50 };
  const reference = `oci:${writeLayout(join(folder, 'a'))}:latest`;
  const found = await Promise.all([1, 2, 3].map(() => images.ensure({ reference })));
  t.is(new Set(found.map(({ id }) => id)).size, 1);
  t.is(layers.unpacked.length, 1);
  await images.ensure({ reference: `docker-archive:${writeDockerSave(join(folder, 's.tar'))}` });
  t.is(layers.unpacked.length, 1, 'another image with the same layer');
});

test('one who gives up stops nobody else, the last who does stops the work', async (t) => {
  const { folder, store, images, layers } = setup(t);
  layers.script = { blockMs: 100 };
  const reference = `oci:${writeLayout(join(folder, 'a'))}:latest`;
  const gone = new AbortController();
  const both = [images.ensure({ reference }, { signal: gone.signal }), images.ensure({ reference })] as const;
  setTimeout(() => gone.abort(), 20);
  t.is(await code(t, both[0]), 'E_ABORTED');
  t.is((await both[1]).layers.length, 1);
  await images.remove({ reference: (await both[1]).id });

  layers.script = { blockMs: 10_000 };
  const last = new AbortController();
  const work = images.ensure({ reference }, { signal: last.signal });
  setTimeout(() => last.abort(), 20);
  t.is(await code(t, work), 'E_ABORTED');
  for (const place of ['layers/sha256', 'tmp', 'leases']) t.deepEqual(readdirSync(join(store, place)), []);
});

test('docker save of before blobs, with equal layers as links, by tag, also packed by gzip', async (t) => {
  const { folder, images } = setup(t);
  const path = writeDockerSave(join(folder, 's.tar'), { link: true });
  const image = await images.ensure({ reference: `docker-archive:${path}:saved:v1` });
  t.is(image.layers.length, 2);
  t.is(image.layers[0], image.layers[1]);
  t.deepEqual(image.names, ['saved:v1']);
  writeFileSync(join(folder, 's.tar.gz'), gzipSync(readFileSync(path)));
  t.is((await images.ensure({ reference: `docker-archive:${join(folder, 's.tar.gz')}` })).id, image.id);
  t.deepEqual(readdirSync(join(folder, 'images/tmp')), []);
  t.is(await code(t, images.ensure({ reference: `docker-archive:${path}:other` })), 'E_NOT_FOUND');
});

test('an index is for several platforms', async (t) => {
  const { folder, images } = setup(t);
  const foreign = writeLayout(join(folder, 'foreign'), { config: (document) => ({ ...document, architecture: 'riscv9' }) });
  const path = writeLayout(join(folder, 'many'), {
    files: (target, { manifest }) => {
      for (const name of readdirSync(join(foreign, 'blobs/sha256'))) writeFileSync(join(target, 'blobs/sha256', name), readFileSync(join(foreign, 'blobs/sha256', name)));
      const [entry] = (JSON.parse(readFileSync(join(foreign, 'index.json'), 'utf8')) as { manifests: Json[] }).manifests;
      const own = { mediaType: entry?.['mediaType'], digest: manifest, size: readFileSync(blobPath(target, manifest)).length, platform: { os: 'linux', architecture: machine } };
      const index = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [{ ...entry, annotations: {}, platform: { os: 'linux', architecture: 'riscv9' } }, own] }));
      writeFileSync(blobPath(target, sha256(index)), index);
      const top = { mediaType: 'application/vnd.oci.image.index.v1+json', digest: sha256(index), size: index.length, annotations: { 'org.opencontainers.image.ref.name': 'v1' } };
      writeFileSync(join(target, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [top] }));
    },
  });
  t.is((await images.ensure({ reference: `oci:${path}:v1` })).architecture, machine);
  t.is((await images.ensure({ reference: `oci:${path}:v1`, platform: 'linux/riscv9' })).architecture, 'riscv9');
  t.is(await code(t, images.ensure({ reference: `oci:${path}:v1`, platform: 'linux/s390x' })), 'E_UNSUPPORTED');
  t.is(await code(t, images.ensure({ reference: `oci:${foreign}:latest` })), 'E_UNSUPPORTED');
  t.is(await code(t, images.ensure({ reference: `oci:${path}:v1`, platform: 'linux' })), 'E_INVALID');
});

test('names and the beginnings of ids', async (t) => {
  const { folder, images } = setup(t);
  const { id } = await images.ensure({ reference: `oci:${writeLayout(join(folder, 'a'))}:latest`, name: 'docker.io/library/mine' });
  for (const reference of ['mine', 'mine:latest', 'docker.io/library/mine:latest', id, id.slice(0, 20), id.slice(7, 15)]) t.is((await images.inspect({ reference })).id, id, reference);
  t.is(await code(t, images.inspect({ reference: 'sha256:000' })), 'E_NOT_FOUND');
  t.is(await code(t, images.ensure({ reference: 'yours' })), 'E_NOT_FOUND');
  t.deepEqual((await images.ensure({ reference: id.slice(7, 19), name: 'more:v2' })).names, ['mine:latest', 'more:v2']);
  t.is(await code(t, images.inspect({ reference: `oci:${writeLayout(join(folder, 'b'), { config: (document) => ({ ...document, created: '2000-01-01T00:00:00Z' }) })}:latest` })), 'E_NOT_FOUND');
});

test('layers go with the last image that needs them, and not before', async (t) => {
  const { folder, store, images } = setup(t);
  const first = await images.ensure({ reference: `oci:${writeLayout(join(folder, 'a'))}:latest` });
  const second = await images.ensure({ reference: `oci:${writeLayout(join(folder, 'b'), { config: (document) => ({ ...document, created: '2000-01-01T00:00:00Z' }) })}:latest` });
  t.deepEqual(first.layers, second.layers);
  await images.remove({ reference: first.id });
  t.is(readdirSync(join(store, 'layers/sha256')).length, 1);
  await images.remove({ reference: 'b' });
  t.deepEqual(readdirSync(join(store, 'layers/sha256')), []);
  t.deepEqual(await images.list({}), []);
});

test('another kernel\'s lease holds an image too, until its root is no more', async (t) => {
  const { folder, images, other } = setup(t);
  const { id } = await images.ensure({ reference: `oci:${writeLayout(join(folder, 'a'))}:latest` });
  const second = other('second');
  await second.mount({ id, owner: 'web' });
  t.is(await code(t, images.remove({ reference: id })), 'E_IN_USE');
  await images.reconcile({ alive: [] });
  t.is(await code(t, images.remove({ reference: id })), 'E_IN_USE', 'reconciling one kernel touched the lease of another');
  await images.release({ owner: 'web' });
  t.is(await code(t, images.remove({ reference: id })), 'E_IN_USE', 'an owner of the same name in another kernel');
  rmSync(join(folder, 'second'), { recursive: true });
  await images.reconcile({ alive: [] });
  await images.remove({ reference: id });
  t.deepEqual(await images.list({}), []);
});

test('after a restart the containers of one image hold no other', async (t) => {
  const { folder, images, other } = setup(t);
  const first = await images.ensure({ reference: `oci:${writeLayout(join(folder, 'a'))}:latest` });
  const second = await images.ensure({ reference: `oci:${writeLayout(join(folder, 'b'), { config: (document) => ({ ...document, created: '2000-01-01T00:00:00Z' }) })}:latest` });
  await images.mount({ id: first.id, owner: 'one' });
  await images.mount({ id: second.id, owner: 'two' });
  await images.mount({ id: 'host', owner: 'three' });
  await t.throwsAsync(images.remove({ reference: first.id })); // brings the files up to date
  const again = other('root');
  await again.reconcile({ alive: ['two', 'three'] });
  await again.remove({ reference: first.id });
  t.is(await code(t, again.remove({ reference: second.id })), 'E_IN_USE');
});

test('an owner no lease knows of keeps everything, until it is released', async (t) => {
  const { folder, images, other } = setup(t);
  const first = await images.ensure({ reference: `oci:${writeLayout(join(folder, 'a'))}:latest` });
  const second = await images.ensure({ reference: `oci:${writeLayout(join(folder, 'b'), { config: (document) => ({ ...document, created: '2000-01-01T00:00:00Z' }) })}:latest` });
  await images.mount({ id: first.id, owner: 'one' });
  await images.mount({ id: second.id, owner: 'two' });
  const again = other('root');
  await again.reconcile({ alive: ['unheard-of'] });
  for (const { id } of [first, second]) t.is(await code(t, again.remove({ reference: id })), 'E_IN_USE');
  await again.release({ owner: 'unheard-of' });
  for (const { id } of [first, second]) await again.remove({ reference: id });
  t.deepEqual(await again.list({}), []);
});

test('what a killed process left is swept, what a living one makes is not', async (t) => {
  const { store, images } = setup(t);
  const living = `${process.pid}-${readFileSync('/proc/self/stat', 'latin1').replace(/^.*\) /, '').split(' ')[19]}-99`;
  for (const name of ['1-1-1', '4194304-5-2', living, 'strange']) mkdirSync(join(store, 'tmp', name), { recursive: true });
  mkdirSync(join(store, 'leases'), { recursive: true });
  writeFileSync(join(store, 'leases', '1-1-3.json'), JSON.stringify({ image: 'x', layers: [] }));
  mkdirSync(join(store, 'layers/sha256', 'f'.repeat(64)), { recursive: true });
  await images.reconcile({ alive: [] });
  t.deepEqual(readdirSync(join(store, 'tmp')), [living]);
  t.deepEqual(readdirSync(join(store, 'leases')), []);
  t.deepEqual(readdirSync(join(store, 'layers/sha256')), [], 'a layer nobody names');
});

test('an opaque layer hides those below it', async (t) => {
  const { folder, images, layers } = setup(t);
  const bottom = tar({ name: 'bottom' });
  const path = writeLayout(join(folder, 'a'), {
    manifest: (document) => ({ ...document, layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: sha256(bottom), size: bottom.length }, ...document.layers] }),
    config: (document) => ({ ...document, rootfs: { type: 'layers', diff_ids: [sha256(bottom), ...document.rootfs.diff_ids] } }),
    files: (target) => writeFileSync(blobPath(target, sha256(bottom)), bottom),
  });
  layers.script = { opaque: true };
  const image = await images.ensure({ reference: `oci:${path}:latest` });
  const all = lowers(await images.mount({ id: image.id, owner: 'web' }));
  t.is(image.layers.length, 2);
  t.is(all.length, 1);
  t.true(all[0]?.includes((image.layers[1] as string).slice(7)));
});

test('an image without layers has an empty root', async (t) => {
  const { folder, images } = setup(t);
  const path = writeLayout(join(folder, 'a'), { manifest: (document) => ({ ...document, layers: [] }), config: (document) => ({ ...document, rootfs: { type: 'layers', diff_ids: [] } }) });
  const { id } = await images.ensure({ reference: `oci:${path}:latest` });
  const [lower] = lowers(await images.mount({ id, owner: 'web' }));
  t.deepEqual(readdirSync(lower as string), []);
});

test('a failed layer leaves nothing, and the next try is a fresh one', async (t) => {
  const { folder, store, images, layers } = setup(t);
  const reference = `oci:${writeLayout(join(folder, 'a'))}:latest`;
  layers.script = { error: new CoreError('E_IO', { message: 'disk full', errno: 'ENOSPC' }) };
  t.is(await code(t, images.ensure({ reference })), 'E_IO');
  t.deepEqual(readdirSync(join(store, 'tmp')), []);
  layers.script = {};
  t.is((await images.ensure({ reference })).layers.length, 1);
});

test('a layer that went missing is an error that says so, and can be brought again', async (t) => {
  const { folder, store, images } = setup(t);
  const reference = `oci:${writeLayout(join(folder, 'a'))}:latest`;
  const { id } = await images.ensure({ reference });
  rmSync(join(store, 'layers'), { recursive: true });
  t.is(await code(t, images.mount({ id, owner: 'web' })), 'E_NOT_FOUND');
  t.deepEqual(readdirSync(join(store, 'leases')), []);
  await images.ensure({ reference });
  t.is(lowers(await images.mount({ id, owner: 'web' })).length, 1);
});

test('a plain tree is used where it is, and outlives its image', async (t) => {
  const { folder, images } = setup(t);
  mkdirSync(join(folder, 'tree'));
  const { id } = await images.ensure({ reference: `dir:${join(folder, 'tree')}`, name: 'tree' });
  t.deepEqual(lowers(await images.mount({ id, owner: 'web' })), [join(folder, 'tree')]);
  t.is(await code(t, images.remove({ reference: 'tree' })), 'E_IN_USE');
  await images.release({ owner: 'web' });
  await images.remove({ reference: 'tree' });
  t.true(existsSync(join(folder, 'tree')));
  t.is(await code(t, images.ensure({ reference: `dir:${join(folder, 'nowhere')}` })), 'E_NOT_FOUND');
});

test('the machine itself: secrets hidden, the kernel\'s own folders always', async (t) => {
  const folder = temporaryFolder(t);
  const images = createImages({ store: join(folder, 's'), root: folder, own: ['/kernel/own'], layers: fakeLayers().port, config: configSchema.parse({ hostMasks: ['/etc/mine'], hostUnmask: ['/etc/ssh', '/kernel/own'] }) });
  const { id } = await images.ensure({ reference: 'host' });
  const rootfs = await images.mount({ id, owner: 'web' });
  if (rootfs.kind !== 'overlay') return t.fail();
  const hidden = [...(rootfs.masks ?? []), ...(rootfs.scratch ?? []).map(({ path }) => path)];
  t.deepEqual(rootfs.lowers, ['/']);
  for (const path of ['/etc/shadow', '/etc/sudoers', '/root', '/home', '/run', '/tmp', '/var/lib/docker', '/etc/mine', '/kernel/own']) t.true(hidden.includes(path), path);
  t.false(hidden.includes('/etc/ssh'));
  await images.release({ owner: 'web' });
  t.is(await code(t, images.remove({ reference: 'host' })), 'E_UNSUPPORTED');
});
