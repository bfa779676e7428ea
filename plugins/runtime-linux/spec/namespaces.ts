/** Namespaces, id mappings and clock offsets. Called by `spec/index.ts`. */
import type { ContainerSettings, Oci } from '@core/core/plugin';

export interface IdDefaults {
  /** First id outside. */
  readonly first: number;
  readonly size: number;
}

export function namespaces({ namespaces: modes = {}, network }: ContainerSettings): Oci.Namespace[] {
  const own = (type: Oci.NamespaceType, yes: boolean): Oci.Namespace[] => (yes ? [{ type }] : []);
  return [
    { type: 'mount' },
    ...own('pid', modes.pid !== 'host'),
    ...own('network', network !== 'host'),
    ...own('ipc', modes.ipc !== 'host'),
    ...own('uts', modes.uts !== 'host'),
    ...own('cgroup', modes.cgroup !== 'host'),
    ...own('user', modes.user === 'private'),
    ...own('time', modes.time === 'private'),
  ];
}

export function idMappings({ namespaces: modes, idMappings: wanted }: ContainerSettings, { first, size }: IdDefaults): Pick<Oci.Linux, 'uidMappings' | 'gidMappings'> {
  if (modes?.user !== 'private') return {};
  const ranges = wanted ?? { uids: [{ container: 0, host: first, size }], gids: [{ container: 0, host: first, size }] };
  const mapping = (list: typeof ranges.uids): Oci.IdMapping[] => list.map(({ container, host, size }) => ({ containerID: container, hostID: host, size }));
  return { uidMappings: mapping(ranges.uids), gidMappings: mapping(ranges.gids) };
}

export function timeOffsets({ namespaces: modes, timeOffsets: offsets = {} }: ContainerSettings): Pick<Oci.Linux, 'timeOffsets'> {
  if (modes?.time !== 'private') return {};
  const entries = Object.entries(offsets).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return { timeOffsets: Object.fromEntries(entries.map(([clock, secs]) => [clock, { secs, nanosecs: 0 }])) };
}
