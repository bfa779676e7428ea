/** The features of the kernel that the runtime stands on. By symbol where the kernel shows them, by version where it does not. */
import { failed, limited, ok, type Check, type Finding } from './check.js';
import { atLeast, type Machine } from './machine.js';

const NEWER_KERNEL = 'Boot a kernel of 5.12 or later; every distribution still maintained has one.';

interface Feature {
  readonly name: string;
  /** Symbols of the kernel; all must be there. */
  readonly symbols: readonly string[];
  /** The version that brought the last of them. */
  readonly since: string;
  readonly cost: string;
}

const features: readonly Feature[] = [
  { name: 'new mount API', symbols: ['fsopen', 'fsmount', 'move_mount', 'open_tree', 'mount_setattr'], since: '5.12', cost: 'No container starts: its mounts are made with it.' },
  { name: 'openat2', symbols: ['openat2'], since: '5.6', cost: 'No container starts: paths inside a root filesystem cannot be resolved safely.' },
  { name: 'clone3', symbols: ['clone3'], since: '5.7', cost: 'No container starts in its control group.' },
  { name: 'pidfd', symbols: ['pidfd_open', 'pidfd_send_signal'], since: '5.3', cost: 'Processes cannot be signalled without a race on their pids.' },
];

export const kernelChecks: readonly Check[] = [
  ...features.map((feature): Check => ({ name: feature.name, group: 'kernel', run: (machine) => hasFeature(machine, feature) })),
  { name: 'user namespaces', group: 'kernel', run: userNamespaces },
  { name: 'seccomp', group: 'kernel', run: seccomp },
  { name: 'netlink and nf_tables', group: 'kernel', run: nfTables },
  { name: 'idmapped mounts', group: 'kernel', run: async (machine) => idmapped(machine) },
  { name: 'privileges', group: 'kernel', run: privileges },
  { name: 'subordinate ids', group: 'kernel', run: subordinateIds },
];

async function hasFeature(machine: Machine, { symbols, since, cost }: Feature): Promise<Finding> {
  const known = await systemCalls(machine);
  const missing = known ? symbols.filter((name) => !known.has(name)) : [];
  if (known && missing.length === 0) return ok('present');
  if (known) return failed(`${missing.join(', ')} missing from this kernel (${machine.kernel})`, { cost, mend: NEWER_KERNEL });
  return atLeast(machine.kernel, since) ? ok(`by version, ${machine.kernel}`) : failed(`Linux ${machine.kernel}, wanted ${since}`, { cost, mend: NEWER_KERNEL });
}

const symbolsOf = new WeakMap<Machine, Promise<ReadonlySet<string> | undefined>>();

/** From /proc/kallsyms, which shows names to everybody (and addresses to few). Undefined where it is hidden or was left out. */
function systemCalls(machine: Machine): Promise<ReadonlySet<string> | undefined> {
  const known = symbolsOf.get(machine) ?? readSystemCalls(machine);
  symbolsOf.set(machine, known);
  return known;
}

async function readSystemCalls(machine: Machine): Promise<ReadonlySet<string> | undefined> {
  const text = await machine.read('/proc/kallsyms');
  const names = [...(text ?? '').matchAll(/ __(?:x64|arm64|riscv|s390x|se)_sys_(\w+)$/gm)].map(([, name = '']) => name);
  return names.length > 0 ? new Set(names) : undefined;
}

async function userNamespaces(machine: Machine): Promise<Finding> {
  const cost = machine.uid === 0 ? 'Containers cannot have user ids of their own.' : 'Nothing runs without root.';
  const bad = machine.uid === 0 ? limited : failed;
  if (!(await machine.exists('/proc/self/ns/user'))) return bad('not in this kernel', { cost, mend: 'Boot a kernel with CONFIG_USER_NS.' });
  const most = Number((await machine.read('/proc/sys/user/max_user_namespaces')) ?? 1);
  if (most === 0) return bad('user.max_user_namespaces is 0', { cost, mend: 'sysctl -w user.max_user_namespaces=15000' });
  if (machine.uid === 0) return ok(`up to ${most}`);
  for (const { path, denied, mend } of restrictions) {
    if ((await machine.read(path))?.trim() === denied) return bad(`restricted by ${path}`, { cost, mend });
  }
  return ok(`up to ${most}`);
}

const restrictions = [
  { path: '/proc/sys/kernel/unprivileged_userns_clone', denied: '0', mend: 'sysctl -w kernel.unprivileged_userns_clone=1' },
  { path: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns', denied: '1', mend: 'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile that allows userns' },
];

async function seccomp(machine: Machine): Promise<Finding> {
  const actions = (await machine.read('/proc/sys/kernel/seccomp/actions_avail'))?.trim();
  if (actions?.includes('errno')) return ok(actions.includes('user_notif') ? 'filters, with notification' : 'filters');
  return failed('no filters', { cost: 'Containers run without the default profile only when asked to: {"seccomp": "unconfined"}.', mend: 'Boot a kernel with CONFIG_SECCOMP_FILTER.' });
}

async function nfTables(machine: Machine): Promise<Finding> {
  const lack = { cost: 'Only the networks `none` and `host` can be used.', mend: 'modprobe nf_tables, or boot a kernel with CONFIG_NF_TABLES.' };
  if (!(await machine.exists('/proc/net/netlink'))) return limited('no netlink', lack);
  const inKernel = (await machine.read('/proc/kallsyms'))?.includes(' nf_tables_newtable') ?? false;
  if (inKernel || (await machine.exists('/sys/module/nf_tables'))) return ok('present');
  return (await hasModule(machine, 'nf_tables')) ? ok('a module, loaded on demand') : limited('no nf_tables', lack);
}

export async function hasModule(machine: Machine, name: string): Promise<boolean> {
  const folder = `/lib/modules/${machine.kernel}`;
  const files = await Promise.all(['modules.builtin', 'modules.dep'].map((file) => machine.read(`${folder}/${file}`)));
  return files.some((text) => new RegExp(`/${name}\\.ko`).test(text ?? ''));
}

function idmapped(machine: Machine): Finding {
  if (atLeast(machine.kernel, '5.19')) return ok('on overlay too');
  return limited(`Linux ${machine.kernel}, wanted 5.19`, { cost: 'Containers with user ids of their own need copies of their images.', mend: 'Boot a kernel of 5.19 or later.' });
}

/** Bit 21 of the effective set: CAP_SYS_ADMIN. */
async function privileges(machine: Machine): Promise<Finding> {
  const [, hex = '0'] = /^CapEff:\s*([0-9a-f]+)/m.exec((await machine.read('/proc/self/status')) ?? '') ?? [];
  if (((BigInt(`0x${hex}`) >> 21n) & 1n) === 1n) return ok(machine.uid === 0 ? 'root' : 'CAP_SYS_ADMIN');
  // An ordinary user's executor is root of a user namespace; whether there can be one is another check's to say.
  if (machine.uid !== 0) return ok(`user ${machine.uid}, in a user namespace`);
  return failed('root without CAP_SYS_ADMIN (inside another container?)', { cost: 'The executor cannot make mounts and control groups.', mend: 'Give the outer container CAP_SYS_ADMIN, or run outside of it.' });
}

async function isInstalled(machine: Machine, program: string): Promise<boolean> {
  const found = await Promise.all(['/usr/local/bin', '/usr/bin', '/bin'].map((folder) => machine.exists(`${folder}/${program}`)));
  return found.includes(true);
}

async function subordinateIds(machine: Machine): Promise<Finding> {
  if (machine.uid === 0) return ok('not needed by root');
  const cost = 'Containers have a single user: what belongs to others in an image becomes root\'s.';
  for (const program of ['newuidmap', 'newgidmap']) if (!(await isInstalled(machine, program))) return limited(`no ${program}`, { cost, mend: 'apt install uidmap' });
  const name = new RegExp(`^([^:]*):[^:]*:${machine.uid}:`, 'm').exec((await machine.read('/etc/passwd')) ?? '')?.[1] ?? String(machine.uid);
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    const lines = ((await machine.read(file)) ?? '').split('\n');
    if (lines.some((line) => line.startsWith(`${name}:`) || line.startsWith(`${machine.uid}:`))) continue;
    return limited(`none for ${name} in ${file}`, { cost, mend: `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}, with ranges nobody else has` });
  }
  return ok(`by newuidmap, for ${name}`);
}
