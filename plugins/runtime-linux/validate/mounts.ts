/** `mounts` of a spec. Called by `validate/index.ts`. */
import type { Oci } from '@core/core/plugin';
import type { Issues } from '../issues.js';
import { newNamespaces } from '../plan/draft.js';
import { parseMountOptions } from '../plan/mount-options.js';
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

function checkMount({ destination, type, source, options = [] }: Oci.Mount, { path, issues, userns }: Context): void {
  issues.expect(isText(destination) && isClean(destination) && destination !== '/', `${path}.destination`, 'must be an absolute path without ".", ".." and empty parts, and not "/"');
  const texts = options.every((option, index) => issues.expect(isText(option), `${path}.options[${index}]`, 'must be text'));
  if (!texts) return;
  const parsed = parseMountOptions(options);
  if (options.includes('tmpcopyup')) issues.add(`${path}.options`, 'tmpcopyup is not supported');
  if (parsed.bind || type === 'bind') {
    issues.expect(isText(source) && isClean(source), `${path}.source`, 'must be an absolute path');
    for (const [key] of parsed.data) issues.add(`${path}.options`, `${JSON.stringify(key)} means nothing to a bind mount`);
    issues.expect(!parsed.idmap || userns, `${path}.options`, 'idmap takes a user namespace');
  } else {
    issues.expect(isText(type) && /^[a-z0-9_.]+$/.test(type), `${path}.type`, 'names a file system, or the options say "bind"');
    issues.expect(!parsed.idmap, `${path}.options`, 'idmap is for bind mounts');
    const { set, clear } = parsed.recursiveAttributes;
    issues.expect(set === 0 && clear === 0, `${path}.options`, 'recursive options are for bind mounts');
  }
}
