/**
 * What a user may ask of a container, checked. Comes in: `ContainerOptions` as people write them. Goes out:
 * `ContainerSettings`, every size in bytes, every name in its one spelling, every default filled in. Called by the
 * operations (`create`, `run`, `update`) and by the plugin set for what stands under `run`.
 */
import { z } from 'zod';
import type { ContainerOptions, ContainerSettings, UpdateOptions } from '../contracts/index.js';
import { CoreError, type ErrorIssue } from '../errors/index.js';
import { checkLimits, checkOptions } from './container-rules.js';
import { toIssues } from './issues.js';
import { Recent } from './recent.js';
import { seccompProfile } from './seccomp.js';
import { absolutePath, capability, fail, id, idList, nonEmpty, objectName, rlimitOf, signal, size, strict, text } from './values.js';

const MIB = 1024 ** 2;
const MIN_MEMORY = 512 * 1024;
const DEFAULT_LOG = { maxBytes: 10 * MIB, maxFiles: 3 };
const MIN_LOG = 4096;
/** The kernel's own limit for host and domain names (__NEW_UTS_LEN). */
const MAX_HOSTNAME = 64;
const MAX_TIMEOUT = 2 ** 31 / 1000;

const memory = size({ min: MIN_MEMORY, minText: '512 KiB' });
const positiveSize = size({ min: 1 });
const mode = z.number().int().min(0).max(0o7777);
const namespaceMode = z.enum(['private', 'host']);
const namespaces = strict({
  pid: namespaceMode.optional(),
  ipc: namespaceMode.optional(),
  uts: namespaceMode.optional(),
  cgroup: namespaceMode.optional(),
  user: namespaceMode.optional(),
  time: namespaceMode.optional(),
});
const idRange = strict({ container: id, host: id, size: z.number().int().min(1).max(2 ** 31 - 1) });
const labels = z.record(nonEmpty, text);
const perDevice = <T extends z.ZodType>(value: T) => z.record(z.string().regex(/^(\/|\d+:\d+$)/, 'a device is a path or major:minor'), value);

const user = text.regex(/^[^:\s]+(:[^:\s]+)?$/, 'a user is "name", "uid", "name:group" or "uid:gid"').refine(
  (value) => value.split(':').every((part) => !/^\d+$/.test(part) || Number(part) < 2 ** 31),
  'an id is at most 2147483647',
);

const hostname = z.string().max(MAX_HOSTNAME).regex(/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/, 'letters, digits, "-" and ".", beginning and ending with a letter or digit');

const mountTarget = absolutePath.refine((path) => path !== '/', 'the root itself cannot be mounted over; choose another image');

const mounts = z.array(
  z.discriminatedUnion(
    'type',
    [
      strict({
        type: z.literal('bind'),
        source: absolutePath,
        target: mountTarget,
        readonly: z.boolean().optional(),
        recursive: z.boolean().optional(),
        propagation: z.enum(['private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared']).optional(),
        idmap: z.boolean().optional(),
      }),
      strict({ type: z.literal('tmpfs'), target: mountTarget, size: positiveSize.optional(), mode: mode.optional(), readonly: z.boolean().optional(), exec: z.boolean().optional() }),
    ],
    { error: 'a mount has the type "bind" or "tmpfs"' },
  ),
);

const device = strict({
  source: absolutePath,
  target: absolutePath.optional(),
  access: z.string().regex(/^(?!.*(.).*\1)[rwm]{1,3}$/, 'any of r, w and m, each once').optional(),
});

const env = z.record(nonEmpty.refine((name) => !name.includes('='), 'a variable name has no "="'), text);

const infinite = z.number().int().min(-1);

const rlimits = z
  .record(z.string(), z.union([infinite, strict({ soft: infinite, hard: infinite })], { error: 'a limit is a whole number (-1: none) or { soft, hard }' }))
  .transform((given, context) => {
    const seen = new Set<string>();
    return Object.entries(given).map(([word, limit]) => {
      const found = rlimitOf(word);
      const { soft, hard } = typeof limit === 'number' ? { soft: limit, hard: limit } : limit;
      const above = hard !== -1 && (soft === -1 || soft > hard);
      const name = 'name' in found ? found.name : '';
      const fault = 'error' in found ? found.error : seen.has(name) ? `${name} is given twice` : above ? 'the soft limit is above the hard one' : undefined;
      seen.add(name);
      if (fault !== undefined) context.issues.push({ code: 'custom', message: fault, input: limit, path: [word] });
      return { type: name, soft, hard };
    });
  });

const log = strict({ maxSize: size({ min: MIN_LOG }).optional(), maxFiles: z.number().int().min(1).max(1000).optional() })
  .nullable()
  .transform((given) => given && { maxBytes: given.maxSize ?? DEFAULT_LOG.maxBytes, maxFiles: given.maxFiles ?? DEFAULT_LOG.maxFiles });

const limitsShape = {
  memory: memory.optional(),
  memoryReservation: memory.optional(),
  memorySwap: size({ min: MIN_MEMORY, minText: '512 KiB', unlimited: true }).optional(),
  cpus: z.number().min(0.01).max(8192).optional(),
  cpuShares: z.number().int().min(2).max(262_144).optional(),
  cpuQuota: z.number().int().min(-1).refine((value) => value === -1 || value >= 1000, 'microseconds, at least 1000, or -1 for no limit').optional(),
  cpuPeriod: z.number().int().min(1000).max(1_000_000).optional(),
  cpusetCpus: idList.optional(),
  cpusetMems: idList.optional(),
  io: strict({
    weight: z.number().int().min(10).max(1000).optional(),
    readBps: perDevice(positiveSize).optional(),
    writeBps: perDevice(positiveSize).optional(),
    readIops: perDevice(z.number().int().min(1)).optional(),
    writeIops: perDevice(z.number().int().min(1)).optional(),
  }).optional(),
};

const pids = z.number().int().min(-1).refine((value) => value !== 0, 'a whole number from 1, or -1 for no limit');

/** The shape alone, so that the plugin set can add to it. */
export const containerShape = {
  name: objectName.optional(),
  image: nonEmpty,
  command: z.array(text).optional(),
  entrypoint: z.array(text).optional(),
  env: env.optional(),
  cwd: absolutePath.optional(),
  user: user.optional(),
  groups: z.array(id).max(65_536).optional(),
  hostname: hostname.optional(),
  domainname: hostname.optional(),
  terminal: z.boolean().optional(),
  stdin: z.boolean().optional(),
  init: z.boolean().optional(),
  labels: labels.optional(),
  annotations: labels.optional(),
  stopSignal: signal.optional(),
  stopTimeout: z.number().min(0).max(MAX_TIMEOUT).default(10),
  remove: z.boolean().optional(),
  keep: z.boolean().optional(),
  log: log.default(DEFAULT_LOG),
  mounts: mounts.default([]),
  readonly: z.boolean().optional(),
  shmSize: positiveSize.default(64 * MIB),
  network: z.enum(['none', 'host', 'user']).default('none'),
  namespaces: namespaces.optional(),
  idMappings: strict({ uids: z.array(idRange).min(1).max(340), gids: z.array(idRange).min(1).max(340) }).optional(),
  timeOffsets: strict({ monotonic: z.number().int().optional(), boottime: z.number().int().optional() }).optional(),
  ...limitsShape,
  memorySwappiness: z.number().int().min(0).max(100).optional(),
  pids: pids.default(4096),
  hugepages: z.record(z.string().regex(/^[1-9]\d*(KB|MB|GB)$/, 'a page size such as "2MB"'), size()).optional(),
  capabilities: strict({ add: z.array(capability).optional(), drop: z.array(capability).optional() }).optional(),
  privileged: z.boolean().optional(),
  noNewPrivileges: z.boolean().optional(),
  seccomp: z.union([z.enum(['default', 'unconfined']), seccompProfile], { error: 'default, unconfined or a profile of the OCI form' }).optional(),
  rlimits: rlimits.default([]),
  sysctls: z.record(z.string().regex(/^[a-z0-9_-]+([./][A-Za-z0-9_-]+)+$/, 'a name such as "net.core.somaxconn"'), text).optional(),
  devices: z.array(device).optional(),
  maskedPaths: z.array(absolutePath).optional(),
  readonlyPaths: z.array(absolutePath).optional(),
  oomScoreAdj: z.number().int().min(-1000).max(1000).optional(),
  umask: z.number().int().min(0).max(0o777).optional(),
};

/** Rules that look at several fields at once, and defaults that depend on another field. */
export function settle<T extends ContainerSettings>(checked: T, context: { issues: unknown[] }): T {
  for (const { path, message } of checkOptions(checked)) context.issues.push({ code: 'custom', message, path: [...path], input: checked });
  return checked.memory !== undefined && checked.memorySwap === undefined ? { ...checked, memorySwap: checked.memory } : checked;
}

export const containerOptions = strict(containerShape).transform((checked, context) => settle(checked, context));

const updateOptions = strict({ ...limitsShape, pids: pids.optional() }).transform((checked, context) => {
  for (const { path, message } of checkLimits(checked)) context.issues.push({ code: 'custom', message, path: [...path], input: checked });
  if (Object.values(checked).every((value) => value === undefined)) return fail(context, 'name at least one limit to change');
  return checked;
});

const recent = new Recent<ContainerOptions, ContainerSettings>();

/** Throws `E_INVALID` with one issue per fault. */
export function parseContainerOptions(options: ContainerOptions): ContainerSettings {
  return recent.of(options, (given) => {
    const result = containerOptions.safeParse(given);
    if (result.success) return result.data;
    throw invalid('container options', toIssues(result.error.issues));
  });
}

/** The limits of `ContainerSettings`: sizes in bytes. */
export type Limits = z.output<typeof updateOptions>;

/** Throws `E_INVALID` with one issue per fault. */
export function parseLimits(limits: UpdateOptions): Limits {
  const result = updateOptions.safeParse(limits);
  if (result.success) return result.data;
  throw invalid('limits', toIssues(result.error.issues, 'limits'));
}

/** `E_INVALID: 2 faults in container options: memory: ...`. */
export function invalid(what: string, issues: readonly ErrorIssue[]): CoreError {
  const [first] = issues;
  const where = first?.path ? `${first.path}: ` : '';
  const count = issues.length === 1 ? '' : `${issues.length} faults, the first: `;
  return new CoreError('E_INVALID', { message: `invalid ${what}: ${count}${where}${first?.message ?? ''}`, issues });
}
