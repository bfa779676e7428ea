/**
 * Tests of an ordinary user's kernels. Comes in: a title, a body, the runtime's options. Goes out: an ava test with an SDK on a kernel of its own, after which no
 * process and no folder of the kernel may be left. Called by the tests under `rootless`, which are skipped for root.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import imageOci from '@core/image-oci';
import runtimeLinux from '@core/runtime-linux';
import test, { type ExecutionContext } from 'ava';
import { createLogger } from '#core/log/index.js';
import { createKernel } from '#core/operations/create-kernel.js';
import { createSource } from '#sdk/engine.js';
import { createSdk, type Sdk } from '#sdk/index.js';
import { areMade } from './images.js';

export interface Ordinary {
  readonly sdk: Sdk;
  /** What the kernel told its operator. */
  readonly warnings: readonly string[];
  /** The test's own. */
  readonly folder: string;
}

export interface RootlessOptions {
  readonly ids?: 'auto' | 'single';
  readonly limits?: 'warn' | 'refuse';
  readonly network?: 'auto' | 'pasta' | 'slirp4netns' | 'none';
}

/** Whether limits can be had: which of the two runs of the tier this is. */
export const isDelegated = process.env['E2E_DELEGATED'] !== undefined;

/** An address of this machine that is not its loopback's, and what a container of this user's can reach it by. */
export const outside = process.env['E2E_OUTSIDE'] ?? '';

export interface UserNeeds {
  /** Why it cannot run here, found out by the test itself. */
  readonly lacking?: string | undefined;
  readonly rootless?: RootlessOptions;
}

export function asUser(title: string, body: (t: ExecutionContext, ordinary: Ordinary) => Promise<void>, { lacking, rootless = {} }: UserNeeds = {}): void {
  const reason = process.getuid?.() === 0 ? 'root' : areMade() ? lacking : 'root has not made the images';
  if (reason !== undefined) return void test.skip(`${title} (${reason})`, body as never);
  test.serial(title, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'rl-'));
    const warnings: string[] = [];
    const kernel = await createKernel({
      root: join(folder, 'root'),
      runRoot: join(folder, 'run'),
      lease: true,
      plugins: [{ plugin: runtimeLinux, config: { rootless } }, { plugin: imageOci }],
      log: createLogger({ level: 'warn', write: (line) => void warnings.push((JSON.parse(line) as { msg: string }).msg) }),
    });
    const sdk = createSdk(createSource(async () => ({ engine: kernel.engine, embedded: true, close: () => kernel.close({ haste: AbortSignal.abort() }) })));
    try {
      await body(t, { sdk, warnings, folder });
    } finally {
      await dropImages(sdk);
      await sdk.close();
      t.deepEqual(processesNaming(folder), []);
      for (const place of ['root/ephemeral', 'run/e']) t.deepEqual(readdirSync(join(folder, place)), []);
    }
    rmSync(folder, { recursive: true });
  });
}

/** Files of ids that are not the user's own only his executor can take away. A failed test may leave some in use. */
async function dropImages(sdk: Sdk): Promise<void> {
  const { images } = await sdk.engine();
  for (const { id } of await sdk.images()) await images.remove({ reference: id }).catch(() => undefined);
}

/** Executor and monitors have their run folder among their arguments. */
function processesNaming(folder: string): string[] {
  const own = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return own.map((pid) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')).filter((words) => words.includes(folder));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
