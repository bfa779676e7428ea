/** `mounts` of a spec. Called by `validate/index.ts`. */
import type { Oci } from '@core/core/plugin';
import type { Issues } from '../issues.js';
import { newNamespaces } from '../plan/draft.js';
import { destinationOf, parseMountOptions } from '../plan/mount-options.js';
import { onlyPropagates } from '../plan/mounts.js';
import { isClean } from '../spec/mounts.js';
import { checkMappings } from './mappings.js';
import { isText } from './values.js';

export function checkMounts(spec: Oci.Spec, issues: Issues): void {
  const userns = newNamespaces(spec).has('user');
  (spec.mounts ?? []).forEach((mount, index) => checkMount(mount, { path: `spec.mounts[${index}]`, issues, userns }));
}

function checkOwnMappings({ uidMappings = [], gidMappings = [] }: Oci.Mount, { path, issues, bind }: Pick<Context, 'path' | 'issues'> & { readonly bind: boolean }): void {
  issues.expect(bind, path, 'cannot have id mappings: they are for bind mounts');
  checkMappings(uidMappings, { path: `${path}.uidMappings`, issues });
  checkMappings(gidMappings, { path: `${path}.gidMappings`, issues });
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
  issues.expect(!parsed.copyUp || (type === 'tmpfs' && !parsed.bind), `${path}.options`, 'tmpcopyup is for a tmpfs');
  const mapped = Boolean(mount.uidMappings?.length || mount.gidMappings?.length);
  if (mapped) checkOwnMappings(mount, { path, issues, bind: parsed.bind || type === 'bind' });
  if (parsed.remount || onlyPropagates(mount, parsed)) {
    for (const [key] of parsed.data) issues.add(`${path}.options`, `${JSON.stringify(key)} cannot be changed by a remount`);
  } else if (parsed.bind || type === 'bind') {
    issues.expect(isText(source) && isClean(source), `${path}.source`, 'must be an absolute path');
    for (const [key] of parsed.data) issues.add(`${path}.options`, `${JSON.stringify(key)} means nothing to a bind mount`);
    issues.expect(!parsed.idmap || userns || mapped, `${path}.options`, 'idmap takes mappings of the mount, or a user namespace');
  } else {
    issues.expect(isText(type) && /^[a-z0-9_.]+$/.test(type), `${path}.type`, 'names a file system, or the options say "bind"');
    issues.expect(!parsed.idmap, `${path}.options`, 'idmap is for bind mounts');
    if (type === 'cgroup' || type === 'cgroup2') for (const [key] of parsed.data) issues.add(`${path}.options`, `${JSON.stringify(key)} cannot be chosen: a container sees the hierarchies as the machine has them`);
  }
}
