/** What whoever listens to a seccomp filter is told with its descriptor: the specification's state of the container's process. Called by `plan.ts` and `exec.ts`. */
import type { OciConfig } from './config.js';
import { publicState, type ContainerRecord, type Status } from './state.js';

/** As the specification calls the descriptor in `fds`. */
const NAME = 'seccompFd';

/** The process's pid, which nobody knows yet, belongs between every two texts. */
export function listenerMessage(record: ContainerRecord, status: Status): string[] {
  const { ociVersion, linux } = record.config;
  const { listenerMetadata } = linux?.seccomp ?? {};
  const head = `{"ociVersion":${JSON.stringify(ociVersion)},"fds":[${JSON.stringify(NAME)}],"pid":`;
  const metadata = listenerMetadata ? `,"metadata":${JSON.stringify(listenerMetadata)}` : '';
  const { pid, ...rest } = publicState(record, status);
  const state = JSON.stringify(rest).slice(1);
  // Of an exec's process the container has another pid, which is known.
  return status === 'creating' ? [head, `${metadata},"state":{"pid":`, `,${state}}`] : [head, `${metadata},"state":{"pid":${JSON.stringify(pid)},${state}}`];
}

export function listenerPath(config: OciConfig): string | undefined {
  return config.linux?.seccomp?.listenerPath || undefined;
}
