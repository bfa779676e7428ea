/**
 * Settings and image as an OCI spec, with no more than the fake runtime looks at. Called by `runtime.ts`.
 */
import { CoreError, type Oci, type SpecRequest } from '@core/core/plugin';

/** Throws `E_INVALID` when neither settings nor image name a command. */
export function makeSpec({ id, settings, image }: SpecRequest): Oci.Spec {
  const entrypoint = settings.entrypoint ?? image.entrypoint ?? [];
  const command = settings.command ?? (settings.entrypoint ? [] : (image.cmd ?? []));
  const args = [...entrypoint, ...command];
  if (args.length === 0) throw new CoreError('E_INVALID', { message: 'neither the options nor the image name a command', issues: [{ path: 'command', message: 'is missing' }] });
  const user = settings.user ?? image.user;
  return {
    ociVersion: '1.2.0',
    root: { path: 'rootfs', readonly: settings.readonly ?? false },
    hostname: settings.hostname ?? id.slice(0, 12),
    process: {
      args,
      env: [...(image.env ?? []), ...Object.entries(settings.env ?? {}).map(([name, value]) => `${name}=${value}`)],
      cwd: settings.cwd ?? image.workingDir ?? '/',
      user: { uid: 0, gid: 0, ...(user !== undefined && { username: user }) },
      terminal: settings.terminal ?? false,
    },
    annotations: { ...settings.annotations },
    linux: { resources: { ...(settings.memory !== undefined && { memory: { limit: settings.memory } }), pids: { limit: settings.pids } } },
  };
}
