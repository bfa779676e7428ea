/** Masked and read-only paths. Called by `plan/index.ts`, after all mounts. */
import type { PlanDraft } from './draft.js';

/** Paths this kernel is known not to have are left out: each would cost a failed lookup at every start. */
export function protectionSteps(draft: PlanDraft): void {
  const { absent } = draft.input.host;
  const there = (paths: readonly string[] = []): string[] => paths.filter((path) => !absent.has(path));
  const masked = there(draft.spec.linux?.maskedPaths);
  const readonly = there(draft.spec.linux?.readonlyPaths);
  if (masked.length > 0) draft.setup.push(['mask', masked]);
  if (readonly.length > 0) draft.setup.push(['readonly', readonly]);
}
