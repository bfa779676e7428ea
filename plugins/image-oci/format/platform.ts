/** Which platform is wanted, and which of several manifests is for it. Comes in: `linux/arm64/v8`, or nothing for this machine. Called by the sources. */
import { arch } from 'node:os';
import { CoreError } from '@core/core/plugin';
import type { Descriptor } from './schemas.js';

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}

/** Node's names for what the image spec calls by Go's. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', arm: 'arm', arm64: 'arm64', ppc64: 'ppc64le', riscv64: 'riscv64', s390x: 's390x', loong64: 'loong64' };

/** What an architecture means when no variant is said. */
const variants: Readonly<Record<string, string>> = { arm64: 'v8', arm: 'v7' };

export function thisPlatform(): Platform {
  return { os: 'linux', architecture: architectures[arch()] ?? arch() };
}

/** Throws `E_INVALID`. */
export function parsePlatform(text: string | undefined): Platform {
  if (text === undefined) return thisPlatform();
  const [, os, architecture, variant] = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9._]+))?$/.exec(text) ?? [];
  if (os === undefined || architecture === undefined) {
    throw new CoreError('E_INVALID', {
      message: `platform ${JSON.stringify(text)} is not OS/ARCHITECTURE[/VARIANT]`,
      hint: 'Write it as linux/arm64 or linux/arm/v7.',
      issues: [{ path: 'platform', message: 'must be OS/ARCHITECTURE[/VARIANT]' }],
    });
  }
  return { os, architecture, variant };
}

export function showPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter(Boolean).join('/');
}

/** The manifest for the platform: one of the very variant before one that leaves it open; undefined when there is none. */
export function choosePlatform(manifests: readonly Descriptor[], wanted: Platform): Descriptor | undefined {
  const fitting = manifests.filter(({ platform }) => platform?.os === wanted.os && platform.architecture === wanted.architecture);
  const variant = wanted.variant ?? variants[wanted.architecture];
  return fitting.find(({ platform }) => platform?.variant === variant)
    ?? fitting.find(({ platform }) => platform?.variant === undefined)
    ?? (wanted.variant === undefined ? fitting[0] : undefined);
}

/** Throws `E_UNSUPPORTED` when an image that has no choice is for another platform. */
export function requirePlatform(found: Platform, wanted: Platform): void {
  const variantDiffers = wanted.variant !== undefined && found.variant !== undefined && found.variant !== wanted.variant;
  if (found.os === wanted.os && found.architecture === wanted.architecture && !variantDiffers) return;
  throw new CoreError('E_UNSUPPORTED', {
    message: `the image is for ${showPlatform(found)}, wanted is ${showPlatform(wanted)}`,
    hint: 'Take an image that was built for this machine.',
  });
}
