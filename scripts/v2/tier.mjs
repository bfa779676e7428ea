/**
 * The v2 tier: boots a small machine in software emulation whose only cgroup hierarchy is v2, and runs the tests there that want one. Comes in: nothing.
 * Goes out: the counts, as of any tier, or why it cannot run. Called by test.mjs.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTap } from '../lib/run-tap.mjs';
import { kernel, kernelImage, rootDisk, treeDisk } from './images.mjs';

const TOOLS = { 'qemu-system-x86_64': 'qemu-system-x86', mke2fs: 'e2fsprogs', busybox: 'busybox-static', 'apt-get': 'apt', dpkg: 'dpkg' };
/** Seconds until a machine that has not ended is taken for one that hangs. */
const DEADLINE = 420;
const LAST_LINES = 40;

/** Why the tier cannot run here; undefined when it can. */
export function lacksV2() {
  if (process.arch !== 'x64') return 'the machine that is emulated is an x86_64';
  const missing = Object.entries(TOOLS).filter(([tool]) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  return missing.length > 0 ? `not installed: ${missing.map(([, name]) => name).join(', ')}` : undefined;
}

export async function v2(name) {
  const folder = mkdtempSync(join(tmpdir(), 'v2-'));
  try {
    await makeFixtures();
    const kernelFolder = await kernel();
    const console = join(folder, 'console');
    const child = boot({ kernelFile: kernelImage(kernelFolder), disks: [await rootDisk(kernelFolder), treeDisk(folder)], console });
    return await runTap(name, { child, ...watch({ child, console }) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The test images and programs want tools the machine has not, so they are made here and taken along. */
async function makeFixtures() {
  const { ociLayout } = await import('../../test/dist/helpers/images.js');
  const { denier } = await import('../../test/dist/fallbacks/deny.js');
  ociLayout();
  denier();
}

/** Two serial lines: the console into a file, the tests' output to stdout. Disks are written to a throw-away layer. */
function boot({ kernelFile, disks, console }) {
  const words = 'console=ttyS0 root=/dev/nvme0n1 rw init=/init quiet panic=-1 mitigations=off tsc=reliable random.trust_cpu=on';
  return spawn('qemu-system-x86_64', [
    '-machine', 'q35', '-accel', 'tcg,thread=multi,tb-size=512', '-cpu', 'Nehalem', '-smp', '2', '-m', '2G',
    '-nodefaults', '-no-user-config', '-display', 'none', '-nic', 'none', '-no-reboot', '-kernel', kernelFile, '-append', words,
    ...disks.flatMap((file, index) => ['-drive', `if=none,id=disk${index},file=${file},format=raw,snapshot=on`, '-device', `nvme,drive=disk${index},serial=disk${index}`]),
    '-chardev', `file,id=console,path=${console}`, '-serial', 'chardev:console', '-chardev', 'stdio,id=tap,signal=off', '-serial', 'chardev:tap',
  ], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Sees whether the tests came to their end, and ends a machine that does not. */
function watch({ child, console }) {
  let said = '';
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, DEADLINE * 1000);
  child.stdout.on('data', (text) => {
    said = (said + text).slice(-4096);
  });
  return {
    complaint: () => {
      clearTimeout(timer);
      const [, status] = /^# v2 ended with (\d+)/m.exec(said) ?? [];
      if (status === '0') return undefined;
      if (status !== undefined) return `the tests ended with ${status}`;
      const lines = readFileSync(console, 'utf8').trimEnd().split('\n').slice(-LAST_LINES);
      return [late ? `FAILED: the machine did not end within ${DEADLINE} s; its console last said:` : 'FAILED: the machine ended before its tests had; its console last said:', ...lines].join('\n  ');
    },
  };
}
