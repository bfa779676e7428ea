/** The config of an image as the contract has it. Comes in: the checked document. Goes out: data; nothing of it is ever executed on the machine. Called by the sources. */
import type { ImageConfig } from '@core/core/plugin';
import type { Config } from './schemas.js';

export function imageConfig({ config }: Config): ImageConfig {
  if (!config) return {};
  const { User, Env, Entrypoint, Cmd, WorkingDir, StopSignal, ExposedPorts, Volumes, Labels } = config;
  return {
    ...(User && { user: User }),
    ...(Env && { env: Env }),
    ...(Entrypoint && { entrypoint: Entrypoint }),
    ...(Cmd && { cmd: Cmd }),
    ...(WorkingDir && { workingDir: WorkingDir }),
    ...(StopSignal && { stopSignal: StopSignal }),
    ...(ExposedPorts && { exposedPorts: ExposedPorts }),
    ...(Volumes && { volumes: Volumes }),
    ...(Labels && { labels: Labels }),
  };
}

/** Milliseconds since the epoch; 0 when it is not said, or no time. */
export function createdAt({ created }: Config): number {
  const time = created ? Date.parse(created) : Number.NaN;
  return Number.isFinite(time) ? time : 0;
}
