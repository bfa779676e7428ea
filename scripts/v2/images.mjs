/**
 * What the machine of the v2 tier boots: Debian's cloud kernel, a disk with node and busybox, a disk with this working tree. Comes in: the
 * host's own programs and packages. Goes out: paths. Called by `tier.mjs`. Kernel and first disk are kept in `.cache/v2` under the name of what they are made of.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const repository = join(import.meta.dirname, '..', '..');
const cache = join(repository, '.cache', 'v2');
const init = join(import.meta.dirname, 'init.sh');
/** Not built in: overlayfs, and fuse for its device. */
const MODULES = ['kernel/fs/overlayfs/overlay.ko', 'kernel/fs/fuse/fuse.ko'];
/** Mebibytes; what is never written takes no room. The tests write to the first one. */
const SIZE = { root: 1024, tree: 512 };

/** The kernel's own folder of boot/ and lib/; downloaded once per version. Throws when apt cannot. */
export async function kernel() {
  const name = kernelPackage();
  return once(`kernel-${name}`, (folder) => {
    const packages = `${folder}.deb`;
    mkdirSync(packages, { recursive: true });
    try {
      run('apt-get', ['download', '-qq', name], { cwd: packages });
      const [file] = readdirSync(packages);
      run('dpkg', ['-x', join(packages, file), folder]);
    } finally {
      rmSync(packages, { recursive: true, force: true });
    }
  });
}

export function kernelImage(folder) {
  const [name] = readdirSync(join(folder, 'boot')).filter((file) => file.startsWith('vmlinuz-'));
  return join(folder, 'boot', name);
}

/** The newest kernel apt knows; without its lists, one that is here already. */
function kernelPackage() {
  const known = attempt(() => run('apt-cache', ['depends', 'linux-image-cloud-amd64']));
  const [, name] = /Depends: (linux-image-\S+)/.exec(known ?? '') ?? [];
  if (name) return name;
  const [here] = existsSync(cache) ? readdirSync(cache).filter((entry) => /^kernel-linux-image-\S+-amd64$/.test(entry)).sort().toReversed() : [];
  if (here) return here.slice('kernel-'.length);
  throw new Error('apt knows no package linux-image-cloud-amd64; run apt-get update');
}

/** busybox, this machine's node with its libraries, and `init.sh`. */
export async function rootDisk(kernelFolder) {
  const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim();
  const parts = [process.execPath, busybox, init, import.meta.filename];
  const hash = createHash('sha256').update(kernelFolder);
  for (const part of parts) hash.update(readFileSync(part));
  return join(await once(`root-${hash.digest('hex').slice(0, 16)}`, (folder) => {
    const tree = join(folder, 'tree');
    for (const name of ['bin', 'usr/bin', 'dev', 'etc', 'proc', 'sys', 'tmp', 'run', 'root', 'var', 'work', 'lib/modules']) mkdirSync(join(tree, name), { recursive: true });
    cpSync(busybox, join(tree, 'bin', 'busybox'), { dereference: true });
    for (const applet of run(busybox, ['--list']).split('\n').filter((name) => name && name !== 'busybox')) symlinkSync('busybox', join(tree, 'bin', applet));
    cpSync(process.execPath, join(tree, 'usr', 'bin', 'node'), { dereference: true });
    for (const library of libraries(process.execPath)) {
      mkdirSync(join(tree, dirname(library)), { recursive: true });
      copyFileSync(realpathSync(library), join(tree, library));
    }
    const [version] = readdirSync(join(kernelFolder, 'lib', 'modules'));
    for (const module of MODULES) copyFileSync(join(kernelFolder, 'lib', 'modules', version, module), join(tree, 'lib', 'modules', module.slice(module.lastIndexOf('/') + 1)));
    writeFileSync(join(tree, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    writeFileSync(join(tree, 'etc', 'group'), 'root:x:0:\n');
    copyFileSync(init, join(tree, 'init'));
    chmodSync(join(tree, 'init'), 0o755);
    chmodSync(join(tree, 'tmp'), 0o1777);
    makeDisk({ from: tree, to: join(folder, 'disk'), mebibytes: SIZE.root });
    rmSync(tree, { recursive: true });
  }), 'disk');
}

/** What the tests import and run; made anew each time. `folder` is the caller's to remove. */
export function treeDisk(folder) {
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'test'), { recursive: true });
  const copy = (name) => run('cp', ['-a', '--no-target-directory', join(repository, name), join(tree, name)]);
  for (const name of ['package.json', 'ava.v2.config.mjs', 'core', 'sdk', 'plugins', 'node_modules', 'test/dist', 'test/fixtures']) copy(name);
  mkdirSync(join(tree, '.cache'));
  copy('.cache/fixtures');
  const disk = join(folder, 'tree.disk');
  makeDisk({ from: tree, to: disk, mebibytes: SIZE.tree });
  return disk;
}

/** No journal: nobody looks at these disks again. */
function makeDisk({ from, to, mebibytes }) {
  writeFileSync(to, '');
  truncateSync(to, mebibytes * 2 ** 20);
  run('mke2fs', ['-q', '-t', 'ext4', '-m', '0', '-O', '^has_journal', '-d', from, to]);
}

function libraries(program) {
  return [...run('ldd', [program]).matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => path);
}

/** As the tests keep their images; they are compiled by the time a disk is wanted. */
async function once(name, make) {
  const helpers = await import('../../test/dist/helpers/images.js');
  return helpers.once(name, make, cache);
}

function run(program, args, options = {}) {
  return execFileSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 26, stdio: ['ignore', 'pipe', 'pipe'], ...options });
}

function attempt(work) {
  try {
    return work();
  } catch {
    return undefined;
  }
}
