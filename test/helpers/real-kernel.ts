/** Tests with real containers: an SDK on a kernel of its own, and the leak oracle around each. Called by the tests under `e2e`. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { boot, type Sdk } from '#sdk/index.js';
import { leaksSince, report, snapshot, type Kind, type Scope } from './leaks/index.js';
import { lacks, type Needs } from './machine.js';

export interface Real {
  readonly sdk: Sdk;
  /** The test's own; the kernel's root and run root are in it. */
  readonly folder: string;
}

/** Kinds of things that carry no mark of who made them: on a machine where others run containers too, they may be theirs. */
const shared: readonly Kind[] = ['cgroup', 'netns', 'link', 'nft table', 'mount'];
const alone = process.env['CI'] === 'true';
/** Set where an ordinary user runs some of these tests. */
const ordinary = process.env['E2E_USER'] === 'ordinary';

/** Root is needed, unless the tests are an ordinary user's. What is still there once the kernel has closed fails the test. */
export function withContainers(title: string, body: (t: ExecutionContext, real: Real) => Promise<void>, needs: Needs = {}): void {
  withFolder(title, async (t, folder) => {
    const sdk = await boot({ root: join(folder, 'root'), runRoot: join(folder, 'run') });
    try {
      await body(t, { sdk, folder });
    } finally {
      const groups = groupsIn(folder);
      await sdk.close();
      if (!ordinary) t.true(groups.length > 0);
      t.deepEqual(groups.filter((group) => existsSync(group)), []);
    }
  }, needs);
}

/** The same without a kernel: the test starts one itself, in the folder. */
export function withFolder(title: string, body: (t: ExecutionContext, folder: string) => Promise<void>, needs: Needs = {}): void {
  const reason = lacks({ root: !ordinary, ...needs });
  if (reason !== undefined) {
    test.skip(`${title} (${reason})`, body as never);
    return;
  }
  test.serial(title, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'e2e-'));
    const scope: Scope = { folders: [folder], except: ['file', 'handle', ...(alone ? [] : shared)] };
    const before = snapshot(scope);
    try {
      await body(t, folder);
    } finally {
      const leaks = await leaksSince(before, scope);
      t.is(report(leaks), '');
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

/** Control groups of the kernels whose private run folders are below `folder`, in every hierarchy. */
function groupsIn(folder: string): string[] {
  const run = join(folder, 'run', 'e');
  const parents = readdirSync(run).map((name) => readFileSync(join(run, name, 'group'), 'utf8'));
  const hierarchies = readdirSync('/sys/fs/cgroup', { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return parents.flatMap((parent) => ['', ...hierarchies].map((name) => join('/sys/fs/cgroup', name, parent))).filter((group) => existsSync(group));
}
