/** OCI layouts and `docker save` archives, sound or with one thing wrong. Comes in: changes. Goes out: files in a folder. Called by the tests of image-oci. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { tar, type Entry } from '../../unpack/helpers/tar.js';
import { sha256 } from './layers.js';

export type Json = Record<string, unknown>;

/** Each gets the sound document and gives what is written instead. A change of one goes on into the digests of those that name it. */
export interface Changes {
  readonly layout?: (document: Json) => unknown;
  readonly index?: (document: Json & { manifests: Json[] }) => unknown;
  readonly manifest?: (document: Json & { config: Json; layers: Json[] }) => unknown;
  readonly config?: (document: Json & { config: Json; rootfs: Json & { diff_ids: string[] } }) => unknown;
  /** After everything was written: the folder, and the digests. */
  readonly files?: (folder: string, digests: { readonly manifest: string; readonly config: string; readonly layer: string }) => void;
  /** The entries of the only layer. */
  readonly layer?: readonly Entry[];
}

export const machine = ({ x64: 'amd64', ia32: '386' } as Record<string, string>)[arch()] ?? arch();

export function writeLayout(folder: string, changes: Changes = {}): string {
  mkdirSync(join(folder, 'blobs/sha256'), { recursive: true });
  const blob = (content: unknown): { digest: string; size: number } => {
    const bytes = content instanceof Uint8Array ? content : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
    const digest = sha256(bytes);
    writeFileSync(blobPath(folder, digest), bytes);
    return { digest, size: bytes.length };
  };
  const plain = tar(...(changes.layer ?? [{ name: 'etc/hello', data: 'hello' }]));
  const layer = blob(gzipSync(plain));
  const config = blob(changed(changes.config, soundConfig(sha256(plain))));
  const manifest = blob(changed(changes.manifest, {
    schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...layer }],
  }));
  write(join(folder, 'index.json'), changed(changes.index, {
    schemaVersion: 2,
    manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'latest' } }],
  }));
  write(join(folder, 'oci-layout'), changed(changes.layout, { imageLayoutVersion: '1.0.0' }));
  changes.files?.(folder, { manifest: manifest.digest, config: config.digest, layer: layer.digest });
  return folder;
}

export function soundConfig(...diffIds: readonly string[]): Json & { config: Json; rootfs: Json & { diff_ids: string[] } } {
  return {
    created: '2024-05-06T07:08:09Z', os: 'linux', architecture: machine,
    config: { User: '1000:1000', Env: ['PATH=/bin', 'A=b=c'], Entrypoint: ['/bin/sh'], Cmd: ['-c', 'true'], WorkingDir: '/var', StopSignal: 'SIGQUIT', ExposedPorts: { '80/tcp': {} }, Volumes: { '/data': {} }, Labels: { a: 'b' } },
    rootfs: { type: 'layers', diff_ids: [...diffIds] },
  };
}

export function blobPath(folder: string, digest: string): string {
  return join(folder, 'blobs', digest.replace(':', '/'));
}

/** A `docker save` archive of before blobs; `link` puts a second layer there as a link to the first. */
export function writeDockerSave(path: string, { manifest = (list) => list, link = false, extra = [] }: { readonly manifest?: (list: Json[]) => unknown; readonly link?: boolean; readonly extra?: readonly Entry[] } = {}): string {
  const layer = tar({ name: 'etc/hello', data: 'hello' });
  const config = JSON.stringify(soundConfig(...Array.from({ length: link ? 2 : 1 }, () => sha256(layer))));
  const id = sha256(Buffer.from(config)).slice('sha256:'.length);
  const list = manifest([{ Config: `${id}.json`, RepoTags: ['saved:v1'], Layers: ['aaa/layer.tar', ...(link ? ['bbb/layer.tar'] : [])] }]);
  writeFileSync(path, tar(
    { name: `${id}.json`, data: config }, { name: 'aaa/', type: '5' }, { name: 'aaa/layer.tar', data: layer },
    ...(link ? [{ name: 'bbb/layer.tar', type: '2', link: '../aaa/layer.tar' }] : []),
    { name: 'manifest.json', data: JSON.stringify(list) }, ...extra,
  ));
  return path;
}

function changed<T>(change: ((document: T) => unknown) | undefined, document: T): unknown {
  return change ? change(structuredClone(document)) : document;
}

function write(path: string, content: unknown): void {
  if (content !== undefined) writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
}
