/** The features of the kernel that the runtime stands on. As the executor finds them; without one by symbol where the kernel shows them, by version where it does not. */
import { failed, limited, ok, type Check, type Finding } from './check.js';
import { atLeast, type Machine } from './machine.js';

const NEWER_KERNEL = 'Boot a kernel of 5.12 or later; every distribution still maintained has one.';
const OTHER_FILTER = 'This kernel has it, but a seccomp filter around this process (that of an outer container) forbids it: let that allow it.';

interface Feature {
  readonly name: string;
  /** Symbols of the kernel; all must be there. */
  readonly symbols: readonly string[];
  /** The version that brought the last of them. */
  readonly since: string;
  readonly cost: string;
  /** Something stands in for it. */
  readonly spare?: boolean;
}

const features: readonly Feature[] = [
  { name: 'new mount API', symbols: ['fsopen', 'fsconfig', 'fsmount', 'move_mount', 'open_tree', 'mount_setattr'], since: '5.12', cost: 'No container starts: its mounts are made with it.' },
  { name: 'openat2', symbols: ['openat2'], since: '5.6', cost: 'No container starts: paths inside a root filesystem cannot be resolved safely.' },
  { name: 'pidfd', symbols: ['pidfd_open', 'pidfd_send_signal'], since: '5.3', cost: 'No container starts: its processes could not be signalled without a race on their pids.' },
  { name: 'clone3', symbols: ['clone3'], since: '5.7', spare: true, cost: 'Processes enter their v2 control group themselves: a start takes some ms longer.' },
  { name: 'close_range', symbols: ['close_range'], since: '5.9', spare: true, cost: 'Descriptors are closed one by one: a start takes up to a ms longer.' },
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

async function hasFeature(machine: Machine, { symbols, since, cost, spare = false }: Feature): Promise<Finding> {
  const [asked, known] = [await machine.calls(), await systemCalls(machine)];
  const bad = spare ? limited : failed;
  const missing = known ? symbols.filter((name) => !known.has(name)) : [];
  if (missing.length > 0) return bad(`${missing.join(', ')} missing from this kernel (${machine.kernel})`, { cost, mend: NEWER_KERNEL });
  const refused = symbols.flatMap((name) => (isRefused(asked, name) ? [`${name} (${asked?.get(name)})`] : []));
  if (refused.length > 0) return bad(`refused to this process: ${refused.join(', ')}`, { cost, mend: known || atLeast(machine.kernel, since) ? OTHER_FILTER : NEWER_KERNEL });
  if (known || asked) return ok('present');
  return atLeast(machine.kernel, since) ? ok(`by version, ${machine.kernel}`) : bad(`Linux ${machine.kernel}, wanted ${since}`, { cost, mend: NEWER_KERNEL });
}

/** What is not among the answers the executor could not learn: an ordinary user's may not even ask. */
function isRefused(asked: ReadonlyMap<string, string> | undefined, name: string): boolean {
  return (asked?.get(name) ?? 'present') !== 'present';
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
  for (const { path, denied, mend } of machine.uid === 0 ? [] : restrictions) {
    if ((await machine.read(path))?.trim() === denied) return bad(`restricted by ${path}`, { cost, mend });
  }
  const asked = await machine.calls();
  if (isRefused(asked, 'userns')) return bad(`refused to this process (${asked?.get('userns')})`, { cost, mend: userNamespaceMend(asked?.get('userns')) });
  return ok(`up to ${most}`);
}

function userNamespaceMend(errno: string | undefined): string {
  if (errno === 'EINVAL') return 'Boot a kernel with CONFIG_USER_NS.';
  if (errno === 'ENOSPC' || errno === 'EUSERS') return 'All that may be are in use, here or in a user namespace around this process: sysctl -w user.max_user_namespaces=15000 there.';
  return 'A seccomp filter or another security module around this process forbids it: let that allow unshare and clone with CLONE_NEWUSER.';
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
