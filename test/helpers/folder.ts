/** A folder of a test's own, gone after it. Called by tests that write files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function temporaryFolder(t: { teardown(fn: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'core-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
