/** `linux.cgroupsPath` comes in, a path absolute in cgroup terms goes out. Called by `config.ts`. */
import { normalize } from 'node:path';
import { OciFailure } from './failure.js';

export interface Naming {
  readonly id: string;
  /** Whether it is written `slice:prefix:name`, as for systemd. */
  readonly systemd: boolean;
}

/** `..` cannot lead out: the path is made absolute first. */
export function cgroupPath(wanted: string | undefined, { id, systemd }: Naming): string {
  if (systemd) return systemdPath(wanted ?? '', id);
  const path = normalize(`/${wanted || id}`);
  const clean = path.endsWith('/') ? path.slice(0, -1) : path;
  if (clean === '') throw new OciFailure('linux.cgroupsPath must not be the root of the hierarchy');
  return clean;
}

/** `a-b.slice` lies in `a.slice`; nothing is asked of systemd itself. */
function systemdPath(wanted: string, id: string): string {
  const parts = wanted === '' ? ['', '', id] : wanted.split(':');
  const [slice = '', prefix = '', name = ''] = parts;
  if (parts.length !== 3 || name === '' || parts.some((part) => part.includes('/') || part === '..')) {
    throw new OciFailure(`expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got ${JSON.stringify(wanted)} instead`);
  }
  const unit = name.endsWith('.slice') ? name : `${prefix === '' ? '' : `${prefix}-`}${name}.scope`;
  return `${slicePath(slice === '' ? 'system.slice' : slice)}/${unit}`;
}

function slicePath(slice: string): string {
  if (!slice.endsWith('.slice') || slice.startsWith('-') || slice.includes('--')) {
    if (slice === '-.slice') return '';
    throw new OciFailure(`invalid slice name: ${slice}`);
  }
  const words = slice.slice(0, -'.slice'.length).split('-');
  return words.map((_, index) => `/${words.slice(0, index + 1).join('-')}.slice`).join('');
}
