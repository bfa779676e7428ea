/**
 * Tests with real containers. Comes in: a title and a body. Goes out: an ava test that runs on a kernel of its own, in folders of
 * its own, and fails when anything is left of it afterwards. Skipped, with the reason in its title, where it cannot run; with
 * CI=true it fails there instead.
 */
import test, { type ExecutionContext } from 'ava';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lacksImages } from './images.js';
import { leaksSince, report, snapshot, type Scope } from './leaks/index.js';
import { lacks, type Needs } from './machine.js';
import { bootStage, type Folders, type Stage } from './stage.js';

export type Body = (t: ExecutionContext, stage: Stage) => Promise<void>;

export interface E2eNeeds extends Needs {
  /** The container's folders and records may stay: the body removes them, or wants them found. */
  readonly timeout?: number | undefined;
}

export function e2e(title: string, body: Body, needs: E2eNeeds = {}): void {
  declare(title, needs, async (t, folders) => {
    const stage = await bootStage(folders);
    try {
      await body(t, stage);
    } finally {
      await stage.removeAll().finally(() => stage.close());
    }
  });
}

/** The same without a kernel: the body boots what it wants, and ends it. */
export function e2eBare(title: string, body: (t: ExecutionContext, folders: Folders) => Promise<void>, needs: E2eNeeds = {}): void {
  declare(title, needs, body);
}

/** Another reason why a machine cannot run a test is a fact of that machine; what can be installed must be there in CI. */
function declare(title: string, needs: E2eNeeds, body: (t: ExecutionContext, folders: Folders) => Promise<void>): void {
  const missing = lacks({ root: true, tools: needs.tools }) ?? lacksImages('oci');
  const reason = missing ?? needs.unless;
  if (!reason) {
    test.serial(title, async (t) => {
      t.timeout(needs.timeout ?? 60_000);
      await withoutLeaks(t, body);
    });
  } else if (missing && process.env['CI'] === 'true') {
    test.serial(title, (t) => t.fail(`cannot run here: ${reason}`));
  } else {
    test.skip(`${title} (${reason})`, () => {});
  }
}

async function withoutLeaks(t: ExecutionContext, body: (t: ExecutionContext, folders: Folders) => Promise<void>): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), 'e2e-'));
  const folders = { root: join(base, 'root'), runRoot: join(base, 'run') };
  chmodSync(base, 0o711); // as /var/lib and /run: the root of a user namespace walks through
  const { TMPDIR } = process.env;
  process.env['TMPDIR'] = join(base, 'tmp');
  mkdirSync(join(base, 'tmp'));
  const scope: Scope = { folders: [base], mayStay, cgroup: ownGroups(folders.root) };
  await openReserve(base);
  const before = snapshot(scope);
  try {
    await body(t, folders);
    const leaks = await leaksSince(before, scope);
    t.is(report(leaks), '', 'left behind');
  } finally {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
    rmSync(base, { recursive: true, force: true });
  }
}

/** With its first stream Node's event loop opens a spare descriptor of /dev/null, for good: no leak of the body's. */
async function openReserve(folder: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(folder, 'reserve'), resolve));
  await new Promise((resolve) => server.close(resolve));
}

/** What a kernel keeps when no container is left: its records, the images, and the folders it keeps things in. */
function mayStay(path: string): boolean {
  return path === 'tmp' || /^root(\/(containers(\/(kept|upper|work(\/\.spare-\d+(\/work)?)?))?|(state|images)(\/.*)?))?$/.test(path) || /^run(\/(c|executor\.log|layers(\/[^/]+)?))?$/.test(path);
}

/** Those below the group of this root, and below the one of no root at all; other kernels of the machine have theirs. */
export function ownGroups(root: string): (path: string) => boolean {
  const key = createHash('sha256').update(root).digest('hex').slice(0, 12);
  return (path) => path.includes(`/core/${key}`) && !path.endsWith(`/core/${key}`);
}
