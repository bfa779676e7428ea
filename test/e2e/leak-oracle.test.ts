/** Leaks one thing of each kind on purpose and sees that the oracle names it, and it alone. */
import test, { type ExecutionContext } from 'ava';
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { difference, leaksSince, mountEntries, ownProcesses, snapshot, type Kind, type Scope } from '../helpers/leaks/index.js';
import { findTool, lacks, type Needs } from '../helpers/machine.js';

interface Case {
  readonly kinds: readonly Kind[];
  readonly name: RegExp;
  readonly needs?: Needs;
  /** Leaks; returns what mends it. */
  leak(folder: string): () => void;
}

const cases: Record<string, Case> = {
  'a child process': {
    kinds: ['process'],
    name: /^\d+@\d+$/,
    leak: () => {
      const child = spawn('sleep', ['60'], { stdio: 'ignore' });
      return () => child.kill('SIGKILL');
    },
  },
  'a process whose parent has died, by the folder it names': {
    kinds: ['process'],
    name: /^\d+@\d+$/,
    leak: (folder) => {
      must('sh', ['-c', `sh -c 'sleep 60; :' ${folder} >/dev/null 2>&1 &`]);
      return () => ownProcesses({ folders: [folder] }).forEach(({ pid }) => process.kill(pid, 'SIGKILL'));
    },
  },
  'a mount': {
    kinds: ['mount', 'file'],
    name: /point \(tmpfs\)$/,
    needs: { root: true },
    leak: (folder) => {
      const point = join(folder, 'point');
      mkdirSync(point);
      must('mount', ['-t', 'tmpfs', 'none', point]);
      return () => (must('umount', [point]), rmdirSync(point));
    },
  },
  'a cgroup': {
    kinds: ['cgroup'],
    name: /oracle-[0-9]+$/,
    needs: { root: true },
    leak: () => {
      const point = mountEntries().find(({ type }) => type === 'cgroup' || type === 'cgroup2')?.point ?? '';
      const group = join(point, `oracle-${process.pid}`);
      mkdirSync(group);
      return () => rmdirSync(group);
    },
  },
  'a network namespace held by a mount': {
    kinds: ['netns', 'mount', 'file'],
    name: /^net:\[\d+\]$/,
    needs: { root: true },
    leak: (folder) => {
      const file = join(folder, 'ns');
      writeFileSync(file, '');
      must('unshare', [`--net=${file}`, 'true']);
      return () => (must('umount', [file]), rmSync(file));
    },
  },
  'a network namespace held by an fd': {
    kinds: ['netns', 'handle'],
    name: /^net:\[\d+\]$/,
    needs: { root: true },
    leak: (folder) => {
      const file = join(folder, 'ns');
      writeFileSync(file, '');
      must('unshare', [`--net=${file}`, 'true']);
      const fd = openSync(file, 'r');
      must('umount', ['-l', file]);
      rmSync(file);
      return () => closeSync(fd);
    },
  },
  'a link': {
    kinds: ['link'],
    name: /^oracle0$/,
    needs: { root: true, tools: ['ip'] },
    leak: () => {
      must('ip', ['link', 'add', 'oracle0', 'type', 'bridge']);
      return () => must('ip', ['link', 'delete', 'oracle0']);
    },
  },
  'a table of nf_tables': {
    kinds: ['nft table'],
    name: /^table inet oracle$/,
    needs: { root: true, tools: ['nft'] },
    leak: () => {
      must('nft', ['add', 'table', 'inet', 'oracle']);
      return () => must('nft', ['delete', 'table', 'inet', 'oracle']);
    },
  },
  'a file': {
    kinds: ['file'],
    name: /deep\/left$|deep$/,
    leak: (folder) => {
      mkdirSync(join(folder, 'deep'));
      writeFileSync(join(folder, 'deep', 'left'), '');
      return () => rmSync(join(folder, 'deep'), { recursive: true });
    },
  },
  'an open file': {
    kinds: ['handle'],
    name: /^\/dev\/null/,
    leak: () => {
      const fd = openSync('/dev/null', 'r');
      return () => closeSync(fd);
    },
  },
};

const finds = test.macro(async (t: ExecutionContext, { kinds, name, leak }: Case) => {
  const folder = mkdtempSync(join(tmpdir(), 'oracle-'));
  const scope: Scope = { folders: [folder], cgroup: (path) => path.includes('oracle-') };
  const before = snapshot(scope);
  const mend = leak(folder);
  try {
    const leaks = difference(before, snapshot(scope));
    t.deepEqual([...new Set(leaks.map(({ kind }) => kind))].sort(), [...kinds].sort(), 'the kinds it found');
    t.true(leaks.some((found) => name.test(found.name)), `none of ${leaks.map((found) => found.name).join(', ')} is called ${name}`);
  } finally {
    mend();
  }
  t.deepEqual(await leaksSince(before, scope), [], 'nothing is left once it was mended');
  rmSync(folder, { recursive: true });
});

for (const [title, row] of Object.entries(cases)) {
  const reason = lacks(row.needs ?? {});
  if (reason) test.skip(`${title} (${reason})`, finds, row);
  else test.serial(`finds ${title}`, finds, row);
}

test.serial('leaves alone what may stay', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'oracle-'));
  const scope: Scope = { folders: [folder], mayStay: (path) => path.startsWith('kept') };
  const before = snapshot(scope);
  mkdirSync(join(folder, 'kept'));
  writeFileSync(join(folder, 'kept', 'blob'), '');
  t.deepEqual(difference(before, snapshot(scope)).filter(({ kind }) => kind === 'file'), []);
  rmSync(folder, { recursive: true });
});

function must(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(findTool(program) ?? program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
}
