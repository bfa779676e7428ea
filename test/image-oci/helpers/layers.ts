/** A scripted `layers@1`: digests checked as the real one does, trees made without root. Comes in: nothing. Goes out: the port, and what was asked of it. Called by the tests of image-oci. */
import { createHash } from 'node:crypto';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { CoreError } from '#core/errors/index.js';
import type { Layers, UnpackRequest } from '#core/contracts/index.js';

export interface FakeLayers {
  readonly port: Layers;
  readonly unpacked: UnpackRequest[];
  /** What the next ones do. */
  script: { error?: CoreError; blockMs?: number; opaque?: boolean };
}

export function fakeLayers(): FakeLayers {
  const fake: FakeLayers = {
    unpacked: [],
    script: {},
    port: {
      unpack: async (request, call) => {
        fake.unpacked.push(request);
        const { error, blockMs, opaque = false } = fake.script;
        if (blockMs !== undefined) await sleep(blockMs, undefined, { signal: call?.signal }).catch(() => Promise.reject(new CoreError('E_ABORTED', { message: 'aborted' })));
        if (error) throw error;
        const bytes = await read(request);
        const tar = unpacked(bytes);
        const [digest, diffId] = [sha256(bytes), sha256(tar)];
        if (request.digest !== undefined && request.digest !== digest) throw new CoreError('E_IMAGE', { message: `archive: digest is ${digest}, not what was said` });
        if (request.diffId !== undefined && request.diffId !== diffId) throw new CoreError('E_IMAGE', { message: `layer: diffID is ${diffId}, not what was said` });
        await mkdir(request.target);
        await writeFile(join(request.target, 'content'), tar);
        call?.onProgress?.({ id: diffId, phase: 'unpack', current: bytes.length, total: bytes.length, unit: 'bytes' });
        return { digest, diffId, size: tar.length, entries: 1, opaque };
      },
      remove: async ({ paths }) => {
        for (const path of paths) await rm(path, { recursive: true, force: true });
      },
    },
  };
  return fake;
}

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function unpacked(bytes: Buffer): Buffer {
  try {
    return bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
  } catch (cause) {
    throw new CoreError('E_IMAGE', { message: 'gzip: damaged', cause });
  }
}

async function read({ path, offset = 0, length }: UnpackRequest): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const bytes = Buffer.alloc(length ?? (await file.stat()).size - offset);
    await file.read(bytes, 0, bytes.length, offset);
    return bytes;
  } finally {
    await file.close();
  }
}
