/**
 * Images to test with. Comes in: nothing but Debian's tools. Goes out: references (`oci:...`) to small images made here, once,
 * and kept in `.cache/fixtures` under a name that changes with their recipe. Called by the tests with real containers.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findTool, lacks } from './machine.js';

const repository = join(import.meta.dirname, '..', '..', '..');
const cache = join(repository, '.cache', 'fixtures');
const probeSource = join(repository, 'test', 'fixtures', 'probe.c');

/** Programs that each image is made with. */
export const imageTools = { rootfs: ['busybox', 'cc'], oci: ['busybox', 'cc', 'umoci', 'skopeo'], debian: ['busybox', 'cc', 'mmdebstrap'] } as const;

/**
 * A folder with busybox, `/bin/probe` and three users: root, `app` (1000:1000, also in `extra`, 2000) and `other` (1001:1001).
 * What every other small image holds too.
 */
export function rootfs(): string {
  return once(`rootfs-${recipe()}`, (folder) => {
    for (const name of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'root', 'home/app', 'var/data']) mkdirSync(join(folder, name), { recursive: true });
    cpSync(findTool('busybox') as string, join(folder, 'bin', 'busybox'), { dereference: true });
    for (const applet of run('busybox', ['--list']).split('\n').filter(Boolean)) {
      if (applet !== 'busybox') symlinkSync('busybox', join(folder, 'bin', applet));
    }
    run('cc', ['-static', '-O2', '-Wall', '-Werror', '-o', join(folder, 'bin', 'probe'), probeSource]);
    writeFileSync(join(folder, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\nother:x:1001:1001::/:/bin/sh\n');
    writeFileSync(join(folder, 'etc', 'group'), 'root:x:0:\napp:x:1000:\nother:x:1001:\nextra:x:2000:app\n');
    chmodSync(join(folder, 'tmp'), 0o1777);
    chownSync(join(folder, 'home', 'app'), 1000, 1000);
  });
}

/** An OCI layout folder by umoci: `oci:FOLDER:latest`. Env, Cmd, WorkingDir, a label and a stop signal are set. */
export function ociLayout(): string {
  const folder = once(`oci-${recipe()}`, (work) => {
    const layout = join(work, 'layout');
    const image = `${layout}:latest`;
    run('umoci', ['init', '--layout', layout]);
    run('umoci', ['new', '--image', image]);
    run('umoci', ['insert', '--image', image, rootfs(), '/']);
    run('umoci', ['config', '--image', image, '--config.env', 'PATH=/bin', '--config.env', 'FROM_IMAGE=yes', '--config.cmd', '/bin/sh',
      '--config.workingdir', '/var/data', '--config.label', 'made.by=umoci', '--config.stopsignal', 'SIGTERM']);
    run('umoci', ['gc', '--layout', layout]);
    // umoci keeps its index to itself, and tests of ordinary users read it too.
    run('chmod', ['-R', 'a+rX', layout]);
  });
  return `oci:${join(folder, 'layout')}:latest`;
}

/** Whether an earlier call has made it: only root can, and whoever may read it can use it. */
export function areMade(): boolean {
  return existsSync(join(cache, `oci-${recipe()}`));
}

/** The same image in other wrappings, by skopeo. */
export function ociArchive(): string {
  return `oci-archive:${copied('oci-archive', (path) => `oci-archive:${path}:latest`)}`;
}

export function dockerArchive(): string {
  return `docker-archive:${copied('docker-archive', (path) => `docker-archive:${path}:busybox:latest`)}`;
}

/** A Debian tree, the essential packages alone, with the probe, busybox and the users of the small images: `dir:FOLDER`. Needs a mirror the first time. */
export function debian(): string {
  return `dir:${once(`debian-${recipe()}`, (folder) => {
    run('mmdebstrap', ['--variant=essential', '--mode=root', '--format=directory', '--quiet', 'bookworm', folder]);
    for (const program of ['busybox', 'probe']) cpSync(join(rootfs(), 'bin', program), join(folder, 'usr', 'bin', program));
    for (const file of ['passwd', 'group']) appendFileSync(join(folder, 'etc', file), readFileSync(join(rootfs(), 'etc', file), 'utf8').split('\n').slice(1).join('\n'));
    for (const path of ['home/app', 'var/data']) mkdirSync(join(folder, path), { recursive: true });
    chownSync(join(folder, 'home', 'app'), 1000, 1000);
  })}`;
}

/** What the tests of options run: the small image, or with `E2E_IMAGE=debian` a whole distribution. */
export function optionsImage(): string {
  return onDebian ? debian() : ociLayout();
}

export const onDebian = process.env['E2E_IMAGE'] === 'debian';

/** What is made already takes no tools: the machine of the v2 tier has none. */
export function lacksImages(kind: keyof typeof imageTools): string | undefined {
  const made = findTool('busybox') !== undefined && existsSync(join(cache, `${kind}-${recipe()}`));
  return lacks({ root: true, tools: made ? [] : imageTools[kind] });
}

function copied(kind: string, target: (path: string) => string): string {
  const folder = once(`${kind}-${recipe()}`, (work) => run('skopeo', ['--insecure-policy', 'copy', '--quiet', ociLayout(), target(join(work, 'image.tar'))]));
  return join(folder, 'image.tar');
}

/** Makes it beside its place and moves it there when it is whole, so that an interrupted run leaves nothing half done. Called by the v2 tier's scripts too. */
export function once(name: string, make: (folder: string) => void, folder = cache): string {
  const place = join(folder, name);
  if (existsSync(place)) return place;
  const work = `${place}.${process.pid}`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  make(work);
  try {
    renameSync(work, place);
  } catch (error) {
    if (!existsSync(place)) throw error;
    rmSync(work, { recursive: true }); // another run was faster
  }
  return place;
}

/** Changes with what the small images are made of. */
function recipe(): string {
  const hash = createHash('sha256').update(readFileSync(probeSource)).update(readFileSync(findTool('busybox') as string));
  return hash.update(readFileSync(import.meta.filename)).digest('hex').slice(0, 12);
}

export function run(program: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}
