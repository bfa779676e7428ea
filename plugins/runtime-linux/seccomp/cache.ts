/** Compiled programs by content, so that a start costs no compilation. Called by the plan compiler. */
import type { Oci } from '@core/core/plugin';
import { compileSeccomp } from './compile.js';

const MAX_CACHED = 64;
const byIdentity = new WeakMap<Oci.Seccomp, Uint8Array>();
const byContent = new Map<string, Uint8Array>();

/** The same bytes for the same profile: by identity (the default profile is one frozen object), else by content. */
export function seccompProgram(profile: Oci.Seccomp): Uint8Array {
  const known = byIdentity.get(profile);
  if (known) return known;
  const key = JSON.stringify(profile);
  const program = byContent.get(key) ?? remember(key, compileSeccomp(profile));
  // Only what cannot change may be found by identity.
  if (Object.isFrozen(profile)) byIdentity.set(profile, program);
  return program;
}

function remember(key: string, program: Uint8Array): Uint8Array {
  const [oldest] = byContent.keys();
  if (byContent.size >= MAX_CACHED && oldest !== undefined) byContent.delete(oldest);
  byContent.set(key, program);
  return program;
}
