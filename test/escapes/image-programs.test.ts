/** An image whose programs and libraries have the names of those an engine may want: none of it is ever executed or loaded on the machine, whatever is done with the container. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, ociLayout } from '../helpers/images.js';
import { escape, type Place } from './support/escape.js';
import { attackProgram, dynamicProgram } from './support/programs.js';

/** What engines are known to call, in an image's own folders. */
const NAMES = ['sh', 'bash', 'busybox', 'tar', 'gzip', 'unpigz', 'zstd', 'xz', 'mount', 'umount', 'cp', 'rm', 'ps', 'id', 'getent', 'newuidmap', 'newgidmap', 'ldconfig', 'modprobe', 'iptables', 'nft', 'ip', 'runc', 'crun', 'node'];
const FOLDERS = ['bin', 'sbin', 'usr/bin', 'usr/sbin'];
/** What the C library loads by itself, by name. */
const LIBRARIES = ['libnss_files.so.2', 'libnss_compat.so.2', 'libnss_dns.so.2', 'libc.so.6', 'libgcc_s.so.1'];

escape({
  name: 'programs and libraries of the image, executed on the machine',
  cves: ['2019-14271'],
  weakened(at) {
    const { tree, mark } = poisoned(at, 'weak');
    spawnSync('tar', ['--version'], { env: { PATH: join(tree, 'usr', 'bin') } });
    return existsSync(mark);
  },
  async ours(at) {
    const { tree, mark } = poisoned(at, 'ours');
    const { engine } = at.stage;
    const layout = join(at.folder, 'layout');
    cpSync(ociLayout().replace(/^oci:|:latest$/g, ''), layout, { recursive: true });
    run('umoci', ['insert', '--image', `${layout}:latest`, tree, '/']);
    for (const image of [`dir:${tree}`, `oci:${layout}:latest`]) {
      const { id } = await engine.containers.run({ image, command: ['/bin/tar'], user: 'root', cwd: '/', memory: '64m' });
      at.t.is((await engine.containers.inspect({ container: id })).state, 'running', 'inside, the poison waits');
      const ran = at.stage.exec(id, ['/usr/bin/ps']);
      await engine.containers.processes({ container: id });
      await engine.containers.stats({ container: id });
      await engine.containers.update({ container: id, limits: { memory: '80m' } });
      await engine.containers.pause({ container: id });
      await engine.containers.resume({ container: id });
      await at.stage.logs(id);
      await engine.containers.kill({ container: id });
      await ran.catch(() => undefined);
      await engine.containers.wait({ container: id });
      await engine.containers.start({ container: id });
      await engine.containers.stop({ container: id, timeout: 0 });
      await engine.containers.remove({ container: id });
    }
    return existsSync(mark);
  },
}, { tools: ['cc', 'umoci'] });

function poisoned({ folder }: Place, name: string): { readonly tree: string; readonly mark: string } {
  const tree = join(folder, `${name}-tree`);
  const mark = join(folder, name);
  rmSync(tree, { recursive: true, force: true });
  for (const place of FOLDERS) {
    mkdirSync(join(tree, place), { recursive: true });
    writeFileSync(join(tree, place, 'mark-path'), mark);
    for (const program of NAMES) copyFileSync(attackProgram('poison'), join(tree, place, program));
  }
  const preload = dynamicProgram('preload', ['-shared', '-fPIC']);
  for (const place of ['lib', 'lib64', 'usr/lib', 'lib/x86_64-linux-gnu']) {
    mkdirSync(join(tree, place), { recursive: true });
    for (const library of LIBRARIES) copyFileSync(preload, join(tree, place, library));
  }
  mkdirSync(join(tree, 'etc'), { recursive: true });
  writeFileSync(join(tree, 'etc', 'ld.so.preload'), `${join(tree, 'lib', 'libc.so.6')}\n/lib/libc.so.6\n`);
  writeFileSync(join(tree, 'etc', 'nsswitch.conf'), 'passwd: files compat dns\n');
  writeFileSync(join(tree, 'etc', 'passwd'), 'root:x:0:0::/root:/bin/sh\n');
  writeFileSync(join(tree, 'etc', 'group'), 'root:x:0:\n');
  return { tree, mark };
}
