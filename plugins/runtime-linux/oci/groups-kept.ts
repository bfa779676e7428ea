/** The caller's supplementary groups, which podman's `--group-add keep-groups` asks to keep by an annotation of crun's. Called by `plan.ts` and `exec.ts`. */
import type { ChildStep } from '../protocol.js';
import type { OciConfig } from './config.js';

export function keepsGroups({ annotations }: OciConfig): boolean {
  return annotations?.['run.oci.keep_original_groups'] === '1';
}

export function withCallersGroups<S extends ChildStep>(step: S): S {
  if (step[0] !== 'user') return step;
  const [name, text, uid, gid, groups, home] = step;
  return [name, text, uid, gid, groups, home, true] as unknown as S;
}
