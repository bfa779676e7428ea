/** What is true of this machine, read once when the driver is made. Called by `driver.ts` and `oci/`. */
import { existsSync, readFileSync } from 'node:fs';
import { cgroupLayout, type CgroupLayout } from './cgroup/layout.js';
import type { Config } from './config.js';
import type { HostFacts } from './plan/input.js';
import { delegatedLayout } from './rootless/delegation.js';
import { rootlessFacts } from './rootless/facts.js';
import { MASKED_PATHS, READONLY_PATHS } from './spec/paths.js';

/** Synchronous: it runs at boot alone, and reads a handful of kernel files. */
export function hostFacts(options: Config['rootless']): HostFacts {
  const facts = machineFacts();
  const rootless = rootlessFacts(options);
  return rootless ? { ...facts, rootless, cgroups: delegatedLayout(facts.cgroups, readFileSync('/proc/self/cgroup', 'utf8')) } : facts;
}

/** Whoever asks. */
export function machineFacts(): HostFacts {
  return {
    cgroups: layout(),
    lastCapability: Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8')),
    modules: modules(),
    absent: new Set([...MASKED_PATHS, ...READONLY_PATHS].filter((path) => !existsSync(path))),
  };
}

function modules(): Set<string> {
  const found = new Set<string>();
  const parameter = '/sys/module/apparmor/parameters/enabled';
  if (existsSync(parameter) && readFileSync(parameter, 'utf8').startsWith('Y')) found.add('apparmor');
  if (existsSync('/sys/fs/selinux/enforce')) found.add('selinux');
  return found;
}

function layout(): CgroupLayout {
  const found = cgroupLayout(readFileSync('/proc/self/mountinfo', 'utf8'), (unified) => readFileSync(`${unified}/cgroup.controllers`, 'utf8'));
  const weightFile = weightFiles(found).find(({ path }) => existsSync(path))?.name;
  return weightFile === undefined ? found : { ...found, weightFile };
}

/** v1 shows its file at the root; in v2 the root has none, so any child tells. */
function weightFiles({ v1, unified }: CgroupLayout): Array<{ name: string; path: string }> {
  if (v1.blkio !== undefined) return ['blkio.bfq.weight', 'blkio.weight'].map((name) => ({ name, path: `${v1.blkio}/${name}` }));
  if (unified === undefined) return [];
  return ['io.bfq.weight', 'io.weight'].flatMap((name) => ['init.scope', 'system.slice'].map((child) => ({ name, path: `${unified}/${child}/${name}` })));
}
