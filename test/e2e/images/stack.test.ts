/** An image of several layers with whiteouts and an opaque folder: its layers, stacked, are what umoci makes of the same image. Needs root. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { configSchema } from '#image-oci/config.js';
import { createImages } from '#image-oci/driver.js';
import { config } from '#runtime-linux/config.js';
import { createDriver } from '#runtime-linux/driver.js';
import { temporaryFolder } from '../../helpers/folder.js';
import { lacks } from '../../helpers/machine.js';
import { describe } from '../../unpack/helpers/describe.js';
import { lacksUnpacker } from '../../unpack/helpers/unpacker.js';

const run = lacks({ root: true, tools: ['umoci', 'unshare'], unless: lacksUnpacker() }) ? test.skip : test;

/** What later layers delete, replace, hide and put back. */
function makeImage(folder: string): string {
  const layout = join(folder, 'layout');
  const image = `${layout}:latest`;
  const umoci = (...args: readonly string[]): unknown => execFileSync('umoci', args, { stdio: 'ignore' });
  const tree = (name: string, files: Readonly<Record<string, string>>): string => {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(folder, name, path, '..'), { recursive: true });
      writeFileSync(join(folder, name, path), content);
    }
    return join(folder, name);
  };
  umoci('init', '--layout', layout);
  umoci('new', '--image', image);
  umoci('insert', '--image', image, tree('one', { 'etc/kept': '1', 'etc/gone': '1', 'etc/changed': '1', 'opaque/below': '1', 'opaque/sub/below': '1', 'dir/a/b': '1', 'swap/x': '1' }), '/');
  umoci('insert', '--image', image, '--whiteout', '/etc/gone');
  umoci('insert', '--image', image, '--whiteout', '/dir/a');
  umoci('insert', '--image', image, '--whiteout', '/swap');
  umoci('insert', '--image', image, tree('two', { 'etc/changed': '2', 'swap': 'a file now' }), '/');
  umoci('insert', '--image', image, '--opaque', tree('three', { above: '3' }), '/opaque');
  return `oci:${image}`;
}

async function lowersOf(t: ExecutionContext, folder: string, reference: string): Promise<readonly string[]> {
  const driver = await createDriver({ ...config.parse({ cgroupParent: '/core-test', executor: process.env['CORE_EXECUTOR'] }), root: join(folder, 'root'), runRoot: join(folder, 'run'), lease: true });
  t.teardown(() => driver.close());
  const images = createImages({ store: join(folder, 'images'), root: join(folder, 'root'), own: [], layers: driver.layers, config: configSchema.parse({}) });
  const { id } = await images.ensure({ reference });
  const rootfs = await images.mount({ id, owner: 'web' });
  await images.release({ owner: 'web' });
  return rootfs.kind === 'overlay' ? rootfs.lowers : [];
}

/** The stack as an overlay shows it, copied out of a mount namespace of its own. */
function merged(folder: string, { lowers, enter, options }: { readonly lowers: readonly string[]; readonly enter: readonly string[]; readonly options: string }): string {
  const [at, copy] = [join(folder, 'at'), join(folder, 'copy')];
  for (const path of [at, copy]) mkdirSync(path);
  const script = `mount -t overlay -o ${options}lowerdir=${lowers.join(':')} none ${at} && cp -a ${at}/. ${copy}`;
  const { status, stderr } = spawnSync('unshare', [...enter, '-m', 'sh', '-c', script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return copy;
}

for (const [name, enter, options] of [['as root', [], ''], ['in a user namespace', ['--user', '--map-root-user'], 'userxattr,']] as const) {
  run(`layers stacked ${name}`, async (t) => {
    const folder = temporaryFolder(t);
    const reference = makeImage(folder);
    execFileSync('umoci', ['unpack', '--image', reference.slice('oci:'.length), join(folder, 'bundle')], { stdio: 'ignore' });
    const ours = merged(folder, { lowers: await lowersOf(t, folder, reference), enter, options });
    const plain = (tree: string): Record<string, unknown> =>
      Object.fromEntries(Object.entries(describe(tree)).map(([path, { mode, uid, gid, hash, link }]) => [path, { mode, uid, gid, hash, link }]));
    t.deepEqual(readdirSync(join(ours, 'opaque')), ['above']);
    t.deepEqual(plain(ours), plain(join(folder, 'bundle/rootfs')));
  });
}
