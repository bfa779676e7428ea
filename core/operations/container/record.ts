/**
 * A container as it is remembered. Comes in: what `create` decided and what the runtime reported. Goes out: the record in the
 * state store, and the view of it that callers get. Called by all container operations.
 */
import type { ContainerDetails, ContainerInfo, ContainerSettings, ExitStatus, ImageConfig, Oci, Rootfs, RuntimeState, Unmet } from '../../contracts/index.js';

/** Complete: with it alone a later kernel can make the container again. */
export interface ContainerRecord {
  readonly id: string;
  readonly name: string;
  /** As the user typed it. */
  readonly image: string;
  readonly imageId: string;
  readonly imageConfig: ImageConfig;
  readonly settings: ContainerSettings;
  /** As handed to the runtime, hooks applied. */
  readonly spec: Oci.Spec;
  readonly createdAt: number;
  readonly state: RuntimeState;
  readonly pid?: number | undefined;
  readonly startedAt?: number | undefined;
  readonly exit?: ExitStatus | undefined;
  /** From the image, leased under the container's id. */
  readonly rootfs: Rootfs;
  /** As the runtime said when it was given the spec. */
  readonly unmet?: readonly Unmet[] | undefined;
}

export function toInfo(record: ContainerRecord): ContainerInfo {
  const { id, name, image, imageId, state, pid, createdAt, startedAt, exit, settings, spec } = record;
  return {
    id,
    name,
    image,
    imageId,
    command: spec.process?.args ?? [],
    state,
    ...(pid !== undefined && { pid }),
    createdAt,
    ...(startedAt !== undefined && { startedAt }),
    ...(exit !== undefined && { exit }),
    labels: { ...record.imageConfig.labels, ...settings.labels },
    ...(record.unmet && { unmet: record.unmet }),
  };
}

export function toDetails(record: ContainerRecord): ContainerDetails {
  return { ...toInfo(record), settings: record.settings, spec: record.spec };
}
