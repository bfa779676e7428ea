/** A library the image names in its environment: a runtime that hands that environment to the machine's hooks loads it outside. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Hook } from '#runtime-linux/oci/config.js';
import { Stage } from '../e2e/oci/command.js';
import { escape } from './support/escape.js';
import { dynamicProgram } from './support/programs.js';

const OUTSIDE = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'] as const;

escape({
  name: 'hooks of the machine with the environment of the image',
  cves: ['2025-23266'],
  weakened({ folder }) {
    const mark = join(folder, 'weak');
    spawnSync('/bin/sh', ['-c', 'exit 0'], { env: baitOf(library(), mark) });
    return existsSync(mark);
  },
  ours({ t, folder }) {
    const stage = new Stage(folder);
    const mark = join(folder, 'ours');
    const seen = join(folder, 'seen');
    copyFileSync(library(), join(stage.bundle, 'rootfs', 'bait.so'));
    // The machine's path of the same file, so that a hook would find it wherever it begins.
    const env = Object.entries(baitOf(join(stage.bundle, 'rootfs', 'bait.so'), mark)).map(([name, value]) => `${name}=${value}`);
    const hook: Hook = { path: '/bin/sh', args: ['sh', '-c', `env >> ${seen}`] };
    stage.configure(['true'], (config) => ({
      ...config,
      process: { ...(config.process as NonNullable<typeof config.process>), env: ['PATH=/bin', ...env] },
      hooks: Object.fromEntries(OUTSIDE.map((point) => [point, [hook]])),
    }));
    const { status, stderr } = stage.call(['run', stage.id]);
    t.is(status, 0, stderr);
    const said = readFileSync(seen, 'utf8');
    t.is(said.split('\n').filter((line) => line.startsWith('PWD=')).length, OUTSIDE.length, 'every hook has run');
    return existsSync(mark) || /BAIT|LD_PRELOAD/.test(said);
  },
}, { tools: ['cc', 'busybox'] });

function library(): string {
  return dynamicProgram('preload', ['-shared', '-fPIC']);
}

function baitOf(path: string, mark: string): Record<string, string> {
  return { LD_PRELOAD: path, BAIT_MARK: mark };
}
