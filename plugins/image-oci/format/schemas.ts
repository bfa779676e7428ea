/**
 * The documents of an image: OCI image-spec 1.1 (image-layout.md, image-index.md, manifest.md, config.md), Docker's schema 2 of the same,
 * and the `manifest.json` of `docker save`. Comes in: nothing. Goes out: schemas. Called by the sources. Unknown fields are passed over, as the spec asks.
 */
import { z } from 'zod';

export const mediaTypes = {
  index: ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'],
  manifest: ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json'],
  config: ['application/vnd.oci.image.config.v1+json', 'application/vnd.docker.container.image.v1+json'],
  /** How a layer is packed is seen from its first bytes, so `+gzip` and `+zstd` decide nothing. */
  layer: [
    'application/vnd.oci.image.layer.v1.tar', 'application/vnd.oci.image.layer.v1.tar+gzip', 'application/vnd.oci.image.layer.v1.tar+zstd',
    'application/vnd.oci.image.layer.nondistributable.v1.tar', 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
    'application/vnd.docker.image.rootfs.diff.tar', 'application/vnd.docker.image.rootfs.diff.tar.gzip', 'application/vnd.docker.image.rootfs.diff.tar.zstd',
    'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  ],
} as const;

const MAX_LAYERS = 512;

export const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 lower case hexadecimal digits');
const mediaType = z.string().min(1).max(255);
const size = z.number().int().nonnegative();
const annotations = z.record(z.string(), z.string()).nullish();
const noNul = z.string().refine((text) => !text.includes('\0'), 'holds a NUL');
const textList = z.array(noNul).max(4096).nullish();

const platform = z.looseObject({ os: z.string(), architecture: z.string(), variant: z.string().optional() });

export const descriptor = z.looseObject({ mediaType, digest, size, annotations, platform: platform.nullish() });
export type Descriptor = z.output<typeof descriptor>;

export const layout = z.looseObject({ imageLayoutVersion: z.literal('1.0.0', 'must be 1.0.0') });

const schemaVersion = z.literal(2, 'must be 2');
const absent = (other: string) => z.undefined(`stands beside "${other}": a document is an index or a manifest, not both`).optional();

/** Both a list and a manifest at once is refused: two readers could see two images (CVE-2021-41190). */
export const index = z.looseObject({
  schemaVersion, mediaType: mediaType.optional(), manifests: z.array(descriptor).max(4096), annotations,
  layers: absent('manifests'), config: absent('manifests'), fsLayers: absent('manifests'),
});

export const manifest = z.looseObject({
  schemaVersion, mediaType: mediaType.optional(), config: descriptor, layers: z.array(descriptor).max(MAX_LAYERS), annotations,
  manifests: absent('layers'), fsLayers: absent('layers'),
});
export type Manifest = z.output<typeof manifest>;

/** A path with `..` would lead the copy of a volume's content out of the root filesystem (CVE-2022-23648). */
const volume = noNul.min(1).max(4096).refine((path) => !path.split('/').includes('..'), 'must be a path without ".."');
const keys = <K extends z.ZodType<string, string>>(key: K) => z.record(key, z.unknown()).nullish().transform((record) => (record ? Object.keys(record) : undefined));

const processConfig = z.looseObject({
  User: noNul.max(256).regex(/^[^\s]*$/, 'holds white space').nullish(),
  Env: z.array(noNul.regex(/^[^=]+=/, 'must be NAME=value')).max(4096).nullish(),
  Entrypoint: textList,
  Cmd: textList,
  WorkingDir: noNul.max(4096).nullish(),
  StopSignal: z.string().regex(/^(SIG)?[A-Z0-9+-]{1,12}$/, 'is no signal').or(z.literal('')).nullish(),
  ExposedPorts: keys(z.string().regex(/^\d{1,5}(-\d{1,5})?(\/(tcp|udp|sctp))?$/, 'must be PORT/PROTOCOL')),
  Volumes: keys(volume),
  Labels: z.record(z.string(), z.string()).nullish(),
});

export const config = z.looseObject({
  created: z.string().nullish(),
  architecture: z.string().min(1),
  os: z.string().min(1),
  variant: z.string().nullish(),
  config: processConfig.nullish(),
  rootfs: z.looseObject({ type: z.literal('layers', 'must be "layers"'), diff_ids: z.array(digest).max(MAX_LAYERS) }),
});
export type Config = z.output<typeof config>;

/** A name inside an archive: relative, without `..`. */
const member = noNul.min(1).max(4096).refine((name) => !name.startsWith('/') && !name.split('/').includes('..'), 'must be a relative path without ".."');

export const dockerSave = z.array(z.looseObject({ Config: member, RepoTags: z.array(z.string()).nullish(), Layers: z.array(member).max(MAX_LAYERS) })).min(1, 'names no image').max(1024);
