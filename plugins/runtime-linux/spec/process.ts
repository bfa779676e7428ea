/** Command, environment, user and limits of the first process. Called by `spec/index.ts`. */
import type { ContainerSettings, Oci, SpecRequest } from '@core/core/plugin';
import { RLIMITS } from '../constants.js';
import { at, type Issues } from '../issues.js';
import { mergeEnv } from './env.js';

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

interface ProcessContext {
  readonly capabilities: string[];
  readonly issues: Issues;
}

export function containerProcess({ id, settings, image }: SpecRequest, { capabilities, issues }: ProcessContext): Oci.Process {
  const args = commandLine({ settings, image });
  if (issues.expect(args.length > 0, 'command', 'the image has no command; give one')) {
    issues.expect(args[0] !== '', 'command[0]', 'the command is empty');
  }
  for (const [key, value] of Object.entries(settings.env ?? {})) {
    issues.expect(!/[=\0]/.test(key) && key !== '' && !value.includes('\0'), at('env', key), 'a name holds no "=", and neither holds a zero byte');
  }
  const cwd = settings.cwd ?? (image.workingDir || '/');
  issues.expect(cwd.startsWith('/'), 'cwd', `must be absolute, is ${JSON.stringify(cwd)}`);
  return {
    terminal: settings.terminal ?? false,
    // '0' rather than nothing: the image's own /etc/passwd says which groups its root is in.
    user: user(settings, settings.user ?? (image.user || '0')),
    args,
    env: environment({ id, settings, image }),
    cwd,
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    rlimits: rlimits(settings, issues),
    noNewPrivileges: settings.noNewPrivileges ?? !settings.privileged,
    ...(settings.oomScoreAdj !== undefined && { oomScoreAdj: settings.oomScoreAdj }),
  };
}

/** With a UTS namespace of the machine's the name is the machine's. */
export function hostnameOf({ id, settings }: Pick<SpecRequest, 'id' | 'settings'>): string | undefined {
  if (settings.namespaces?.uts === 'host') return undefined;
  return settings.hostname ?? id.slice(0, 12);
}

/** A new entrypoint drops the image's Cmd, which was written for the old one. */
function commandLine({ settings, image }: Pick<SpecRequest, 'settings' | 'image'>): string[] {
  if (settings.entrypoint !== undefined) return [...settings.entrypoint, ...(settings.command ?? [])];
  return [...(image.entrypoint ?? []), ...(settings.command ?? image.cmd ?? [])];
}

function environment({ id, settings, image }: SpecRequest): string[] {
  const hostname = hostnameOf({ id, settings });
  const base = [PATH, ...(hostname === undefined ? [] : [`HOSTNAME=${hostname}`]), ...(settings.terminal ? ['TERM=xterm'] : [])];
  return mergeEnv(mergeEnv(base, image.env ?? []), Object.entries(settings.env ?? {}).map(([name, value]) => `${name}=${value}`));
}

function user(settings: ContainerSettings, username: string): Oci.User {
  return {
    uid: 0,
    gid: 0,
    username,
    ...(settings.umask !== undefined && { umask: settings.umask }),
    ...(settings.groups?.length && { additionalGids: [...settings.groups] }),
  };
}

function rlimits(settings: ContainerSettings, issues: Issues): Oci.Rlimit[] {
  return settings.rlimits.map(({ type, soft, hard }) => {
    const name = type.startsWith('RLIMIT_') ? type : `RLIMIT_${type.toUpperCase()}`;
    issues.expect(name in RLIMITS, at('rlimits', type), 'no such limit');
    const unlimited = (value: number): number => (value < 0 ? Number.POSITIVE_INFINITY : value);
    issues.expect(unlimited(soft) <= unlimited(hard), at('rlimits', type), 'the soft limit is above the hard one');
    return { type: name, soft, hard };
  });
}
