/** `mounts` of a spec. Called by `validate/index.ts`. */
import type { Oci } from '@core/core/plugin';
import type { Issues } from '../issues.js';
import { newNamespaces } from '../plan/draft.js';
import { destinationOf, parseMountOptions } from '../plan/mount-options.js';
import { onlyPropagates } from '../plan/mounts.js';
import { isClean } from '../spec/mounts.js';
import { isText } from './values.js';

export function checkMounts(spec: Oci.Spec, issues: Issues): void {
  const userns = newNamespaces(spec).has('user');
  (spec.mounts ?? []).forEach((mount, index) => checkMount(mount, { path: `spec.mounts[${index}]`, issues, userns }));
}

interface Context {
  readonly path: string;
  readonly issues: Issues;
  readonly userns: boolean;
}

function checkMount(mount: Oci.Mount, { path, issues, userns }: Context): void {
  const { destination, type, source, options = [] } = mount;
  const placed = isText(destination) && isClean(destinationOf(destination)) && destinationOf(destination) !== '/';
  issues.expect(placed, `${path}.destination`, 'must be a path below "/", without ".."');
  const texts = options.every((option, index) => issues.expect(isText(option), `${path}.options[${index}]`, 'must be text'));
  if (!texts) return;
  const parsed = parseMountOptions(options);
  if (options.includes('tmpcopyup')) issues.add(`${path}.options`, 'tmpcopyup is not supported');
  issues.expect(!mount.uidMappings?.length && !mount.gidMappings?.length, path, 'cannot have id mappings of its own; the option "idmap" takes those of the container');
  if (parsed.remount || onlyPropagates(mount, parsed)) {
    for (const [key] of parsed.data) issues.add(`${path}.options`, `${JSON.stringify(key)} cannot be changed by a remount`);
  } else if (parsed.bind || type === 'bind') {
    issues.expect(isText(source) && isClean(source), `${path}.source`, 'must be an absolute path');
    for (const [key] of parsed.data) issues.add(`${path}.options`, `${JSON.stringify(key)} means nothing to a bind mount`);
    issues.expect(!parsed.idmap || userns, `${path}.options`, 'idmap takes a user namespace');
  } else {
    issues.expect(isText(type) && /^[a-z0-9_.]+$/.test(type), `${path}.type`, 'names a file system, or the options say "bind"');
    issues.expect(!parsed.idmap, `${path}.options`, 'idmap is for bind mounts');
    if (type === 'cgroup' || type === 'cgroup2') for (const [key] of parsed.data) issues.add(`${path}.options`, `${JSON.stringify(key)} cannot be chosen: a container sees the hierarchies as the machine has them`);
  }
}
