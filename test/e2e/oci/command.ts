/** `core-oci` on a bundle of its own. Comes in: a title and a body. Goes out: a test that fails when anything is left of it. Called by the tests beside it. */
import test, { type ExecutionContext } from 'ava';
import { spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { template } from '#runtime-linux/oci/spec.js';
import type { OciConfig } from '#runtime-linux/oci/config.js';
import { executorBinary } from '../../helpers/executor-plan.js';
import { leaksSince, report, snapshot, type Scope } from '../../helpers/leaks/index.js';
import { lacks } from '../../helpers/machine.js';

export const COMMAND = fileURLToPath(new URL('../../../../plugins/runtime-linux/bin/core-oci.cjs', import.meta.url));
const APPLETS = ['sh', 'sleep', 'cat', 'echo', 'id', 'ls', 'tty', 'kill', 'grep', 'true', 'od', 'dd', 'mount', 'ip', 'touch'];

export interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Stage {
  readonly root: string;
  readonly bundle: string;

  constructor(readonly base: string) {
    this.root = join(base, 'state');
    this.bundle = join(base, 'bundle');
    mkdirSync(join(this.bundle, 'rootfs', 'bin'), { recursive: true });
    copyFileSync('/bin/busybox', join(this.bundle, 'rootfs', 'bin', 'busybox'));
    for (const name of APPLETS) symlinkSync('busybox', join(this.bundle, 'rootfs', 'bin', name));
  }

  /** A container's id, also the last part of its cgroup: recognisable among others of the machine. */
  get id(): string {
    return this.base.slice(this.base.lastIndexOf('/') + 1);
  }

  configure(args: readonly string[], change: (config: OciConfig) => OciConfig = (config) => config): void {
    const base = template();
    const process = { ...base.process, terminal: false, rlimits: [], args: [...args], env: ['PATH=/bin'] } as NonNullable<OciConfig['process']>;
    const config = change({ ...base, root: { path: 'rootfs' }, process });
    writeFileSync(join(this.bundle, 'config.json'), JSON.stringify(config));
  }

  /** To its end. Output goes to files: a container that stays would hold a pipe open. */
  call(args: readonly string[], { flags = [], input = '' }: { readonly flags?: readonly string[]; readonly input?: string } = {}): Answer {
    const paths = ['made-stdout', 'made-stderr'].map((name) => join(this.base, name));
    const outputs = paths.map((path) => openSync(path, 'w'));
    const { status } = spawnSync(process.execPath, [COMMAND, '--root', this.root, ...flags, ...args], { cwd: this.bundle, input, stdio: ['pipe', ...outputs], timeout: 30_000 });
    outputs.forEach((fd) => closeSync(fd));
    const [stdout = '', stderr = ''] = paths.map((path) => readFileSync(path, 'utf8'));
    return { status, stdout, stderr };
  }

  state(): Record<string, unknown> {
    return JSON.parse(this.call(['state', this.id]).stdout) as Record<string, unknown>;
  }

  read(name: string): string {
    return readFileSync(join(this.base, name), 'utf8');
  }
}

const reason = lacks({ root: true }) ?? (existsSync('/bin/busybox') ? undefined : 'not installed: busybox-static') ?? (existsSync(executorBinary) ? undefined : 'the executor is not built');

export function oci(title: string, body: (t: ExecutionContext, stage: Stage) => Promise<void> | void): void {
  if (reason !== undefined && process.env['CI'] !== 'true') {
    test.skip(`${title} (${reason})`, () => {});
    return;
  }
  test.serial(title, async (t) => {
    t.timeout(60_000);
    const base = mkdtempSync(join(tmpdir(), 'oci-'));
    try {
      const stage = new Stage(base);
      stage.configure(['sleep', '60']);
      const scope: Scope = { folders: [base], cgroup: (path) => path.includes(stage.id), mayStay: (path) => path === 'state' || path.startsWith('run') || path.startsWith('bundle') || path.startsWith('made') };
      const before = snapshot(scope);
      try {
        await body(t, stage);
      } finally {
        const left = stage.call(['delete', '--force', stage.id]);
        t.is(left.status, 0, left.stderr);
      }
      t.is(report(await leaksSince(before, scope)), '', 'left behind');
    } finally {
      rmSync(base, { recursive: true, force: true });
    }
  });
}
