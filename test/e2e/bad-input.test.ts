/**
 * Malformed options, specs and images, given to a real kernel: each gets an error with a code of the catalogue that names the
 * field and says what to do, and changes nothing (no record, no image, nothing on the machine).
 */
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { CoreError, Runtime, type ContainerOptions, type ErrorCode, type Oci } from '@core/core/plugin';
import { e2e } from '../helpers/e2e.js';
import { dockerArchive, ociLayout } from '../helpers/images.js';
import type { Stage } from '../helpers/stage.js';

/** What is wrong -> the options, and where the fault is said to be. */
const options: Record<string, [wrong: Record<string, unknown>, path: string]> = {
  'memory below the least': [{ memory: '100k' }, 'memory'],
  'memory with a strange unit': [{ memory: '64 potatoes' }, 'memory'],
  'memory that is no number': [{ memory: Number.NaN }, 'memory'],
  'less memory and swap than memory': [{ memory: '64m', memorySwap: '32m' }, 'memorySwap'],
  'no processes at all': [{ pids: 0 }, 'pids'],
  'no processor at all': [{ cpus: 0 }, 'cpus'],
  'an unknown option': [{ memmory: '64m' }, 'memmory'],
  'an unknown capability': [{ capabilities: { add: ['FLY'] } }, 'capabilities.add[0]'],
  'an unknown signal': [{ stopSignal: 'SIGNOTHING' }, 'stopSignal'],
  'an unknown limit': [{ rlimits: { nofiles: 1 } }, 'rlimits.nofiles'],
  'a soft limit above the hard one': [{ rlimits: { nofile: { soft: 2, hard: 1 } } }, 'rlimits.nofile'],
  'a relative mount target': [{ mounts: [{ type: 'tmpfs', target: 'tmp' }] }, 'mounts[0].target'],
  'two mounts on one target': [{ mounts: [{ type: 'tmpfs', target: '/a' }, { type: 'tmpfs', target: '/a' }] }, 'mounts[1].target'],
  'a mount of an unknown type': [{ mounts: [{ type: 'nfs', target: '/a' }] }, 'mounts[0].type'],
  'a user with two colons': [{ user: 'a:b:c' }, 'user'],
  'a host name with a blank': [{ hostname: 'a b' }, 'hostname'],
  'a host name for the machine': [{ hostname: 'a', namespaces: { uts: 'host' } }, 'hostname'],
  'a sysctl without a dot': [{ sysctls: { everything: '1' } }, 'sysctls.everything'],
  'id maps without a user namespace': [{ idMappings: { uids: [{ container: 0, host: 1, size: 1 }], gids: [{ container: 0, host: 1, size: 1 }] } }, 'idMappings'],
  'an environment name with "="': [{ env: { 'A=B': '1' } }, 'env.A=B'],
  'a NUL in the command': [{ command: ['a\0b'] }, 'command[0]'],
  'a relative working directory': [{ cwd: 'here' }, 'cwd'],
  'a name with a slash': [{ name: 'a/b' }, 'name'],
};

for (const [title, [wrong, path]] of Object.entries(options)) {
  e2e(`options: ${title}`, async (t, stage) => {
    const error = await refused(t, () => stage.engine.containers.create({ image: ociLayout(), ...wrong } as ContainerOptions), ['E_INVALID']);
    t.true(error?.issues.some((issue) => withoutQuotes(issue.path).startsWith(path)), `${path} among ${JSON.stringify(error?.issues)}`);
    t.true(error?.issues.every(({ message }) => message.length > 5));
    await nothingChanged(t, stage);
  });
}

/** Facts of the machine that only the real thing can know. */
const machine: Record<string, [wrong: Partial<ContainerOptions>, codes: readonly ErrorCode[], names: RegExp]> = {
  'a mount source that is not there': [{ mounts: [{ type: 'bind', source: '/no/such/source', target: '/a' }] }, ['E_INVALID', 'E_SETUP', 'E_NOT_FOUND'], /\/no\/such\/source/],
  'a device that is not there': [{ devices: [{ source: '/dev/no-such-device' }] }, ['E_INVALID'], /devices\[0\]\.source/],
  'a device that is a folder': [{ devices: [{ source: '/dev/pts' }] }, ['E_INVALID'], /devices\[0\]\.source/],
  'a processor the machine has not': [{ cpusetCpus: '4000' }, ['E_INVALID', 'E_SETUP'], /4000|cpuset/],
  'a sysctl of the machine': [{ sysctls: { 'vm.swappiness': '1' } }, ['E_INVALID', 'E_UNSUPPORTED'], /vm\.swappiness/],
  'a sysctl that is not there': [{ sysctls: { 'net.ipv4.no_such_thing': '1' } }, ['E_INVALID', 'E_SETUP'], /no_such_thing/],
  'an io limit of no disk': [{ io: { readBps: { '/etc/passwd': '1m' } } }, ['E_INVALID'], /\/etc\/passwd/],
  'a working directory that is a file': [{ cwd: '/etc/passwd' }, ['E_SETUP', 'E_INVALID'], /\/etc\/passwd/],
  'a group nobody knows': [{ user: 'root:no-such-group' }, ['E_SETUP', 'E_INVALID'], /no-such-group/],
};

for (const [title, [wrong, codes, names]] of Object.entries(machine)) {
  e2e(`machine: ${title}`, async (t, stage) => {
    const error = await refused(t, () => stage.engine.containers.run({ image: ociLayout(), command: ['true'], ...wrong }), codes);
    t.regex(JSON.stringify(error), names);
    await nothingChanged(t, stage);
  });
}

const specs: Record<string, (spec: Oci.Spec) => void> = {
  'no process': (spec) => delete spec.process,
  'no arguments': (spec) => (spec.process as Oci.Process).args.splice(0),
  'a mount of an unknown kind': (spec) => spec.mounts?.push({ destination: '/x', type: 'bind', options: ['bind', 'sideways'] }),
  'a namespace twice': (spec) => spec.linux?.namespaces?.push({ type: 'pid' }),
  'a masked path out of nowhere': (spec) => ((spec.linux as Oci.Linux).maskedPaths = ['relative']),
  'a cgroup outside of everything': (spec) => ((spec.linux as Oci.Linux).cgroupsPath = '/../../escape'),
};

for (const [title, spoil] of Object.entries(specs)) {
  e2e(`spec: ${title}`, async (t, stage) => {
    const info = await stage.engine.containers.create({ image: ociLayout(), command: ['true'] });
    const { spec } = await stage.engine.containers.inspect({ container: info.id });
    const broken = structuredClone(spec) as Oci.Spec;
    spoil(broken);
    const runtime = stage.kernel.port(Runtime);
    const error = await refused(t, () => runtime.create({ id: 'broken', spec: broken, rootfs: { kind: 'folder', path: '/' } }), ['E_INVALID', 'E_UNSUPPORTED']);
    t.truthy(error?.issues.length ? error.issues[0]?.path : error?.message);
    t.deepEqual((await runtime.list({})).filter(({ id }) => id === 'broken'), []);
  });
}

/** How a whole image is spoilt; `layout` is a copy of the OCI layout folder. */
const images: Record<string, (layout: string) => void> = {
  'no index': (layout) => rmSync(join(layout, 'index.json')),
  'an index that is no JSON': (layout) => writeFileSync(join(layout, 'index.json'), '{"manifests": ['),
  'an index without manifests': (layout) => writeFileSync(join(layout, 'index.json'), '{"schemaVersion": 2}'),
  'no oci-layout file': (layout) => rmSync(join(layout, 'oci-layout')),
  'a digest that leads out of the folder': (layout) => rewrite(join(layout, 'index.json'), /"sha256:[0-9a-f]{64}"/, '"sha256:../../../../etc/passwd"'),
  'a manifest that is missing': (layout) => rmSync(join(layout, 'blobs', 'sha256', blobs(layout).manifest)),
  'a config that is not what its digest says': (layout) => writeFileSync(join(layout, 'blobs', 'sha256', blobs(layout).config), '{}'),
  'a layer cut short': (layout) => truncateSync(join(layout, 'blobs', 'sha256', blobs(layout).layer), 1000),
  'a layer that is not what its digest says': (layout) => flip(join(layout, 'blobs', 'sha256', blobs(layout).layer)),
  'a layer that is missing': (layout) => rmSync(join(layout, 'blobs', 'sha256', blobs(layout).layer)),
};

for (const [title, spoil] of Object.entries(images)) {
  e2e(`image: ${title}`, async (t, stage) => {
    const layout = join(stage.folders.root, 'images-to-spoil');
    cpSync(ociLayout().replace(/^oci:|:latest$/g, ''), layout, { recursive: true });
    spoil(layout);
    const error = await refused(t, () => stage.engine.images.ensure({ reference: `oci:${layout}:latest` }), ['E_IMAGE', 'E_NOT_FOUND', 'E_INVALID']);
    t.true((error?.message.length ?? 0) > 10);
    t.deepEqual(await stage.engine.images.list({}), [], 'nothing of it became visible');
    rmSync(layout, { recursive: true });
    await nothingChanged(t, stage);
  });
}

const references: Record<string, [reference: (folder: string) => string, codes: readonly ErrorCode[]]> = {
  'nothing': [() => '', ['E_INVALID']],
  'a folder that is not there': [() => 'oci:/no/such/folder:latest', ['E_NOT_FOUND', 'E_IMAGE']],
  'a tag that is not there': [() => ociLayout().replace(/latest$/, 'no-such-tag'), ['E_NOT_FOUND']],
  'a name nobody stored': [() => 'no-such-image', ['E_NOT_FOUND']],
  'an archive that is text': [(folder) => file(folder, 'text.tar', 'this is no archive\n'), ['E_IMAGE']],
  'an archive cut short': [(folder) => cut(folder), ['E_IMAGE']],
  'an empty archive': [(folder) => file(folder, 'empty.tar', Buffer.alloc(10240)), ['E_IMAGE']],
  'a folder as archive': [(folder) => `docker-archive:${folder}`, ['E_IMAGE', 'E_IO', 'E_INVALID', 'E_NOT_FOUND']],
};

for (const [title, [reference, codes]] of Object.entries(references)) {
  e2e(`reference: ${title}`, async (t, stage) => {
    const folder = join(stage.folders.root, 'given');
    mkdirSync(folder);
    await refused(t, () => stage.engine.containers.run({ image: reference(folder), command: ['true'] }), codes);
    t.deepEqual(await stage.engine.images.list({}), []);
    rmSync(folder, { recursive: true });
    await nothingChanged(t, stage);
  });
}

async function refused(t: ExecutionContext, call: () => Promise<unknown>, codes: readonly ErrorCode[]): Promise<CoreError | undefined> {
  const error = await t.throwsAsync(call);
  t.true(error instanceof CoreError, String(error));
  if (!(error instanceof CoreError)) return undefined;
  t.true(codes.includes(error.code), `${error.code} is none of ${codes.join(', ')}: ${error.message}`);
  return error;
}

async function nothingChanged(t: ExecutionContext, { engine }: Stage): Promise<void> {
  t.deepEqual(await engine.containers.list({ all: true }), []);
}

/** The path of a fault may quote a key that is no identifier. */
function withoutQuotes(path: string): string {
  return path.replace(/\["?([^"\]]*)"?\]/g, (whole, key: string) => (/^\d+$/.test(key) ? whole : `.${key}`));
}

function blobs(layout: string): { manifest: string; config: string; layer: string } {
  const digest = (text: string): string => text.slice('sha256:'.length);
  const { manifests } = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as { manifests: Array<{ digest: string }> };
  const manifest = digest(manifests[0]?.digest ?? '');
  const { config, layers } = JSON.parse(readFileSync(join(layout, 'blobs', 'sha256', manifest), 'utf8')) as { config: { digest: string }; layers: Array<{ digest: string }> };
  return { manifest, config: digest(config.digest), layer: digest(layers[0]?.digest ?? '') };
}

function rewrite(path: string, pattern: RegExp, text: string): void {
  writeFileSync(path, readFileSync(path, 'utf8').replace(pattern, text));
}

function flip(path: string): void {
  const bytes = readFileSync(path);
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 0x55;
  writeFileSync(path, bytes);
}

function file(folder: string, name: string, content: string | Buffer): string {
  writeFileSync(join(folder, name), content);
  return `docker-archive:${join(folder, name)}`;
}

function cut(folder: string): string {
  const path = join(folder, 'cut.tar');
  cpSync(dockerArchive().slice('docker-archive:'.length), path);
  truncateSync(path, statSync(path).size >> 1);
  return `docker-archive:${path}`;
}
