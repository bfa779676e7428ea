/** Which cgroup hierarchies this machine has. Comes in: a mountinfo text. Goes out: a `CgroupLayout`, made once at boot. */

/** Controllers this runtime sets or reads, each in its own v1 folder or in the v2 tree. */
export const CONTROLLERS = ['memory', 'cpu', 'cpuacct', 'cpuset', 'pids', 'blkio', 'hugetlb', 'rdma', 'net_cls', 'net_prio', 'devices', 'freezer'] as const;
export type Controller = (typeof CONTROLLERS)[number];

/** Hardly any container asks for these, so boot makes and switches on nothing for them: a container that does brings it along (`plan/cgroup.ts`). */
export const RARE: ReadonlySet<Controller> = new Set(['rdma', 'net_cls', 'net_prio']);

export interface CgroupLayout {
  readonly mode: 'v1' | 'hybrid' | 'v2' | 'none';
  /** Mount point of the v2 tree; there in hybrid and v2. */
  readonly unified?: string | undefined;
  /** Controllers the v2 tree has at its root (`io` is called `blkio` here, as everywhere in this folder). */
  readonly unifiedControllers: readonly Controller[];
  /** Mount point by v1 controller. */
  readonly v1: Readonly<Partial<Record<Controller, string>>>;
  /**
   * A group (absolute in cgroup terms) that has the device rules of most containers, so that those below it need no rule of
   * their own: in v1 each rule is a write. Containers with rules of their own are below the same path with `.own` at its end.
   */
  readonly devicesParent?: string | undefined;
  /** On v2: a group that has controllers and hands some of them on to nobody, and whether that is because it has processes of its own. */
  readonly withheld?: { readonly group: string; readonly controllers: readonly Controller[]; readonly populated: boolean } | undefined;
  /** Which file takes a block-io weight, if any scheduler here offers one. */
  readonly weightFile?: string | undefined;
}

/** `controllers` is the text of the v2 root's cgroup.controllers. The shortest mount point of a hierarchy counts. */
export function cgroupLayout(mountinfo: string, controllers: (unified: string) => string): CgroupLayout {
  const v1: Partial<Record<Controller, string>> = {};
  let unified: string | undefined;
  for (const { target, type, root, options } of visible(parseMounts(mountinfo))) {
    if (root !== '/') continue;
    if (type === 'cgroup2') unified = shorter(unified, target);
    if (type !== 'cgroup') continue;
    for (const name of CONTROLLERS) {
      if (options.includes(name)) v1[name] = shorter(v1[name], target);
    }
  }
  const names = unified === undefined ? [] : controllers(unified).trim().split(/\s+/).map((name) => (name === 'io' ? 'blkio' : name));
  const hasV1 = Object.keys(v1).length > 0;
  return {
    mode: unified === undefined ? (hasV1 ? 'v1' : 'none') : hasV1 ? 'hybrid' : 'v2',
    unified,
    unifiedControllers: CONTROLLERS.filter((name) => names.includes(name)),
    v1,
  };
}

/** Mount points of v1 hierarchies with no controller this runtime knows: those with a name (systemd's), perf_event. */
export function otherHierarchies(mountinfo: string): string[] {
  const byOptions = new Map<string, string>();
  for (const { target, type, root, options } of visible(parseMounts(mountinfo))) {
    if (type !== 'cgroup' || root !== '/' || CONTROLLERS.some((name) => options.includes(name))) continue;
    const key = options.join(',');
    byOptions.set(key, shorter(byOptions.get(key), target));
  }
  return [...byOptions.values()];
}

/** Of a mountinfo text, all of them. */
export function mountPoints(mountinfo: string): string[] {
  return parseMounts(mountinfo).map(({ target }) => target);
}

/** Of the hierarchies, those that nothing is mounted over: not at the same place, but at a folder above in the same mount. */
function visible(mounts: readonly MountLine[]): MountLine[] {
  const byId = new Map(mounts.map((mount) => [mount.id, mount]));
  const isCovered = (mount: MountLine): boolean => {
    const above = byId.get(mount.parent);
    return mounts.some((other) => other.parent === mount.parent && other !== mount && isBelow(mount.target, other.target)) || (above !== undefined && above !== mount && isCovered(above));
  };
  return mounts.filter((mount) => mount.type.startsWith('cgroup') && !isCovered(mount));
}

function isBelow(path: string, folder: string): boolean {
  return path !== folder && path.startsWith(folder === '/' ? '/' : `${folder}/`);
}

interface MountLine {
  readonly id: string;
  readonly parent: string;
  readonly target: string;
  readonly root: string;
  readonly type: string;
  readonly options: readonly string[];
}

function parseMounts(text: string): MountLine[] {
  return text.split('\n').flatMap((line) => {
    const [before, after] = line.split(' - ');
    if (!before || !after) return [];
    const fields = before.split(' ');
    const [type = '', , superOptions = ''] = after.split(' ');
    return [{ id: fields[0] ?? '', parent: fields[1] ?? '', root: fields[3] ?? '', target: unescape(fields[4] ?? ''), type, options: superOptions.split(',') }];
  });
}

/** mountinfo writes blanks and the like as three octal digits. */
function unescape(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function shorter(a: string | undefined, b: string): string {
  return a === undefined || b.length < a.length ? b : a;
}
