/** `process`, `hostname` and `domainname` of a spec. Called by `validate/index.ts` and, for execs, `exec.ts`. */
import type { Oci } from '@core/core/plugin';
import { RLIMITS } from '../constants.js';
import type { Issues } from '../issues.js';
import { newNamespaces } from '../plan/draft.js';
import { checkTuning } from './tuning.js';
import { isCount, isObject, isText, isU32 } from './values.js';

export function checkProcess(spec: Oci.Spec, issues: Issues): void {
  const { process } = spec;
  if (!issues.expect(isObject(process), 'spec.process', 'is missing')) return;
  const { args, env, cwd, user, oomScoreAdj, apparmorProfile, selinuxLabel } = process as unknown as Oci.Process;
  checkCommand(args, { path: 'spec.process.args', issues });
  checkEnv(env ?? [], { path: 'spec.process.env', issues });
  issues.expect(isText(cwd) && cwd.startsWith('/'), 'spec.process.cwd', 'must be an absolute path');
  issues.expect(oomScoreAdj === undefined || (Number.isInteger(oomScoreAdj) && Math.abs(oomScoreAdj) <= 1000), 'spec.process.oomScoreAdj', 'is between -1000 and 1000');
  issues.expect(apparmorProfile === undefined || isText(apparmorProfile), 'spec.process.apparmorProfile', 'must be text');
  issues.expect(selinuxLabel === undefined || isText(selinuxLabel), 'spec.process.selinuxLabel', 'must be text');
  checkTuning(spec, issues);
  checkUser(user, issues);
  checkCapabilities((process as unknown as Oci.Process).capabilities ?? {}, issues);
  checkRlimits((process as unknown as Oci.Process).rlimits ?? [], issues);
  checkNames(spec, issues);
}

interface Where {
  readonly path: string;
  readonly issues: Issues;
}

export function checkCommand(args: unknown, { path, issues }: Where): void {
  if (!issues.expect(Array.isArray(args) && args.length > 0, path, 'needs at least one word')) return;
  (args as unknown[]).forEach((word, index) => issues.expect(isText(word), `${path}[${index}]`, 'must be text without a zero byte'));
  issues.expect((args as unknown[])[0] !== '', `${path}[0]`, 'is empty');
}

export function checkEnv(env: readonly unknown[], { path, issues }: Where): void {
  env.forEach((entry, index) => issues.expect(isText(entry) && entry.indexOf('=') > 0, `${path}[${index}]`, 'must be NAME=VALUE'));
}

function checkUser(user: Oci.User, issues: Issues): void {
  const path = 'spec.process.user';
  if (!issues.expect(isObject(user), path, 'is missing')) return;
  issues.expect(isU32(user.uid), `${path}.uid`, 'is a whole number below 2^32');
  issues.expect(isU32(user.gid), `${path}.gid`, 'is a whole number below 2^32');
  issues.expect(user.username === undefined || isText(user.username), `${path}.username`, 'must be text');
  issues.expect(user.umask === undefined || (isCount(user.umask) && user.umask <= 0o777), `${path}.umask`, 'is between 0 and 0777');
  user.additionalGids?.forEach((gid, index) => issues.expect(isU32(gid), `${path}.additionalGids[${index}]`, 'is a whole number below 2^32'));
}

/** Names no kernel knows are ignored with a warning (`warnings.ts`), as the specification wants it; options of ours are checked by the spec builder. */
function checkCapabilities(sets: Oci.Capabilities, issues: Issues): void {
  for (const [set, names] of Object.entries(sets)) {
    issues.expect(Array.isArray(names) && names.every((name) => typeof name === 'string'), `spec.process.capabilities.${set}`, 'is a list of names');
  }
}

function checkRlimits(rlimits: readonly Oci.Rlimit[], issues: Issues): void {
  const seen = new Set<string>();
  rlimits.forEach(({ type, soft, hard }, index) => {
    const path = `spec.process.rlimits[${index}]`;
    issues.expect(type in RLIMITS, `${path}.type`, `no limit is called ${JSON.stringify(type)}`);
    issues.expect(!seen.has(type), `${path}.type`, 'is there twice');
    const unlimited = (value: number): number => (value < 0 ? Number.POSITIVE_INFINITY : value);
    issues.expect(Number.isFinite(soft) && Number.isFinite(hard) && unlimited(soft) <= unlimited(hard), path, 'needs a soft limit that is not above the hard one');
    seen.add(type);
  });
}

function checkNames({ hostname, domainname, linux }: Oci.Spec, issues: Issues): void {
  const own = newNamespaces({ ociVersion: '', ...(linux && { linux }) }).has('uts') || linux?.namespaces?.some(({ type, path }) => type === 'uts' && path !== undefined);
  for (const [key, value] of Object.entries({ hostname, domainname })) {
    if (value === undefined || value === '') continue;
    issues.expect(isText(value) && Buffer.byteLength(value) <= 64, `spec.${key}`, 'is at most 64 bytes');
    issues.expect(own === true, `spec.${key}`, 'takes a uts namespace; the machine keeps its own name');
  }
}
