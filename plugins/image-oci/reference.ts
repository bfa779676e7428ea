/**
 * What the user typed, taken apart. Comes in: `oci:./folder:tag`, `host`, `busybox`... Goes out: which kind of source, which path, which
 * tag. Called by the driver first of all. Throws `E_INVALID` naming what is wrong.
 */
import { resolve } from 'node:path';
import { CoreError } from '@core/core/plugin';

export type Reference =
  | { readonly kind: 'host' }
  | { readonly kind: 'dir'; readonly path: string }
  | { readonly kind: ArchiveKind; readonly path: string; readonly tag?: string | undefined }
  /** A stored name, with its tag. */
  | { readonly kind: 'name'; readonly name: string }
  /** The beginning of a stored id, or all of it, without `sha256:`. */
  | { readonly kind: 'id'; readonly digits: string };

export type ArchiveKind = 'oci' | 'oci-archive' | 'docker-archive';

const MAX_LENGTH = 4096;
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9._-]*(?:[:/][a-zA-Z0-9_][a-zA-Z0-9._-]*)*$/;
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._+@:/-]{0,255}$/;

export function parseReference(text: string): Reference {
  if (text.length > MAX_LENGTH) throw invalid(text, `is longer than ${MAX_LENGTH} characters`);
  if (text.includes('\0')) throw invalid(text, 'holds a NUL');
  if (text === 'host') return { kind: 'host' };
  const [, kind, rest] = /^(oci|oci-archive|docker-archive|dir):(.*)$/s.exec(text) ?? [];
  if (kind === undefined || rest === undefined) return parseStored(text);
  if (rest === '') throw invalid(text, `names no path after "${kind}:"`);
  if (kind === 'dir') return { kind, path: resolve(rest) };
  const colon = rest.indexOf(':');
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (path === '') throw invalid(text, `names no path after "${kind}:"`);
  if (tag !== undefined && !tagPattern.test(tag)) throw invalid(text, 'has a malformed tag');
  return { kind: kind as ArchiveKind, path: resolve(path), tag };
}

/** A name as it is stored: `busybox` and `docker.io/library/busybox:latest` are `busybox:latest`. Throws `E_INVALID`. */
export function normalName(text: string): string {
  if (text.length > 255 || !namePattern.test(text)) throw invalid(text, 'is no name: letters, digits and . _ - / with a tag after a colon');
  const name = text.replace(/^docker\.io\/(library\/)?/, '');
  return name.includes(':', name.lastIndexOf('/') + 1) ? name : `${name}:latest`;
}

function parseStored(text: string): Reference {
  const [, digits] = /^sha256:([0-9a-f]{3,64})$/.exec(text) ?? [];
  return digits === undefined ? { kind: 'name', name: normalName(text) } : { kind: 'id', digits };
}

function invalid(reference: string, why: string): CoreError {
  const shown = reference.length > 100 ? `${reference.slice(0, 100)}...` : reference;
  return new CoreError('E_INVALID', {
    message: `image reference ${JSON.stringify(shown)} ${why}`,
    hint: 'Write host, oci:FOLDER[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:TAG], dir:FOLDER, or the name or id of a stored image.',
    issues: [{ path: 'image', message: why }],
  });
}
